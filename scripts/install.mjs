import { createHash } from "node:crypto"
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { endAs, run } from "./child.mjs"

export const root = fileURLToPath(new URL("..", import.meta.url))
export const binaries = join(root, "node_modules", ".bin")

const stamp = join(root, "node_modules", ".sluice-stamp")
const lock = join(root, ".install-lock")
const lockLifetime = 15 * 60_000 // milliseconds: far longer than any installation takes

/**
 * Installs the dependencies in pnpm-lock.yaml, Node 26 among them, unless they are installed already. Runs on Node 20
 * with nothing installed. Writes one short line to stderr; the output of pnpm is shown only when it fails.
 */
export const install = async () => {
  const wanted = fingerprint()
  if (!isInstalled(wanted)) await installAlone(wanted)
  chooseNode()
}

const installAlone = async (wanted) => {
  await acquireLock()
  process.once("exit", releaseLock)
  try {
    if (!isInstalled(wanted)) await installNow(wanted)
  } finally {
    process.removeListener("exit", releaseLock)
    releaseLock()
  }
}

const packages = () =>
  readdirSync(join(root, "packages"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join("packages", entry.name))

const fingerprint = () => {
  const manifests = ["", ...packages()].map((directory) => join(directory, "package.json"))
  return fingerprintOf(["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests])
}

const fingerprintOf = (files) => {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`)
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(join(root, file)))
  return hash.digest("hex")
}

const isInstalled = (wanted) =>
  existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && existsSync(join(binaries, "node")) &&
  packages().every((directory) => existsSync(join(root, directory, "node_modules")))

const installNow = async (wanted) => {
  say("Installing dependencies…")
  rmSync(stamp, { force: true })
  const result = await runPnpm(root)
  if (result.signal !== null) {
    releaseLock()
    endAs(result)
  }
  if (result.code !== 0) fail(result.output)
  if (!existsSync(join(binaries, "node"))) {
    fail(`${result.output}\nNode was not installed: its package needs to run its install script.`)
  }
  writeFileSync(stamp, wanted)
}

/**
 * Installs the dependencies of a folder that is a project of its own, outside of the default installation, unless they are
 * installed already. Fails with the output of pnpm.
 */
export const installIn = async (name) => {
  const folder = join(root, name)
  const installed = join(folder, "node_modules", ".sluice-stamp")
  const wanted = fingerprintOf(["package.json", "pnpm-lock.yaml"].map((file) => join(name, file)))
  if (existsSync(installed) && readFileSync(installed, "utf8") === wanted) return
  say(`Installing dependencies of ${name}…`)
  const { code, output } = await runPnpm(folder)
  if (code !== 0) throw new Error(`the dependencies of ${name} could not be installed:\n${output}`)
  writeFileSync(installed, wanted)
}

const runPnpm = (folder) => {
  const { packageManager } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  return run("npx", ["--yes", packageManager, "install", "--frozen-lockfile"], {
    cwd: folder,
    env: { ...process.env, CI: "true", NODE_ENV: undefined },
    stdio: ["ignore", "pipe", "pipe"]
  })
}

/** The Node that runs everything: the installed one, or the program in the variable SLUICE_NODE. */
const chooseNode = () => {
  const { SLUICE_NODE } = process.env
  const wanted = SLUICE_NODE === undefined ? join("..", "nodejs", "bin", "node") : resolve(SLUICE_NODE)
  if (!existsSync(resolve(binaries, wanted))) {
    say(`no Node to run: SLUICE_NODE is ${SLUICE_NODE}; set it to the path of a Node executable, or unset it`)
    process.exit(1)
  }
  const link = join(binaries, "node")
  if (readlinkSync(link) === wanted) return
  const temporary = `${link}.${process.pid}`
  symlinkSync(wanted, temporary)
  renameSync(temporary, link)
}

const fail = (output) => {
  const tail = output.trimEnd().split("\n").slice(-30).join("\n")
  say(`${tail}\n\nThe dependencies could not be installed: see above.`)
  process.exit(1)
}

/** Two simultaneous installations would break each other: the lock is a file with the id of the process that holds it. */
const acquireLock = async () => {
  let waiting = false
  while (!tryLock()) {
    if (isStale()) {
      releaseLock()
    } else {
      if (!waiting) say("Waiting for another installation…")
      waiting = true
      await setTimeout(100)
    }
  }
}

const releaseLock = () => rmSync(lock, { force: true })

const tryLock = () => {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" })
    return true
  } catch (error) {
    if (error.code === "EEXIST") return false
    throw error
  }
}

const isStale = () => {
  try {
    if (Date.now() - statSync(lock).mtimeMs > lockLifetime) return true
    const holder = Number(readFileSync(lock, "utf8"))
    if (holder > 0) process.kill(holder, 0) // throws ESRCH when there is no such process
    return false
  } catch (error) {
    return error.code === "ESRCH"
  }
}

// Not `process.stderr`: see `hasTerminal` in child.mjs.
const say = (text) => writeSync(2, `${text}\n`)
