/** Installs the dependencies of a folder that is a project of its own, outside of the default installation. */
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { run } from "./child.mjs"
import { root } from "./install.mjs"

/** Installs what the lockfile of the folder has, unless it is installed already. Fails with the output of pnpm. */
export const installIn = async (name) => {
  const folder = join(root, name)
  const stamp = join(folder, "node_modules", ".sluice-stamp")
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`)
  for (const file of ["package.json", "pnpm-lock.yaml"]) hash.update(readFileSync(join(folder, file)))
  const wanted = hash.digest("hex")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return
  writeSync(2, `Installing dependencies of ${name}…\n`)
  const { packageManager } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  const { code, output } = await run("npx", ["--yes", packageManager, "install", "--frozen-lockfile"], {
    cwd: folder,
    env: { ...process.env, CI: "true", NODE_ENV: undefined },
    stdio: ["ignore", "pipe", "pipe"]
  })
  if (code !== 0) throw new Error(`the dependencies of ${name} could not be installed:\n${output}`)
  writeFileSync(stamp, wanted)
}
