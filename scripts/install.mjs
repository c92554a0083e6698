import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { endAs, run } from "./child.mjs"

export const root = fileURLToPath(new URL("..", import.meta.url))
export const binaries = join(root, "node_modules", ".bin")

const stamp = join(root, "node_modules", ".sluice-stamp")
const lock = join(root, ".install-lock")
const lockLifetime = 15 * 60_000 // milliseconds: far longer than any installation takes

/**
 * Installs what pnpm-lock.yaml lists, unless that has been done already, and brings Node 26 with it. It runs on
 * Node 20 with nothing installed. One short line is written to stderr; what pnpm says is shown only when it fails.
 */
export const install = async () => {
  const wanted = fingerprint()
  if (isInstalled(wanted)) return
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
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`)
  const manifests = ["", ...packages()].map((directory) => join(directory, "package.json"))
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests]) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)))
  }
  return hash.digest("hex")
}

const isInstalled = (wanted) =>
  existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && existsSync(join(binaries, "node")) &&
  packages().every((directory) => existsSync(join(root, directory, "node_modules")))

const installNow = async (wanted) => {
  say("Installing dependencies…")
  rmSync(stamp, { force: true })
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const result = await run("npx", ["--yes", packageManager, "install", "--frozen-lockfile"], {
    cwd: root,
    env: { ...process.env, CI: "true", NODE_ENV: undefined },
    stdio: ["ignore", "pipe", "pipe"]
  })
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

const fail = (output) => {
  const tail = output.trimEnd().split("\n").slice(-30).join("\n")
  say(`${tail}\n\nThe dependencies could not be installed: see above.`)
  process.exit(1)
}

/** Two installations at once would spoil each other: the lock is a file that names the process that holds it. */
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
