/**
 * `npm run pack`: builds the packages, and packs them into `dist`. Prints two lines: what it packed, and the command that
 * installs what a program needs.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import workspace from "../../package.json" with { type: "json" }
import { published, root } from "../repository/files.ts"

export const tarballOf = (folder: string, name: string): string =>
  join(folder, `sluice-${name}-${workspace.version}.tgz`)

/** Packs what `npm run build` built. */
export const pack = (folder: string): void => {
  mkdirSync(folder, { recursive: true })
  for (const name of published) {
    const args = ["--yes", workspace.packageManager, "pack", "--pack-destination", folder]
    execFileSync("npx", args, { cwd: join(root, "packages", name), stdio: ["ignore", "ignore", "inherit"] })
  }
}

/** What was packed into a folder, and the command that installs what a program needs. */
export const summary = (folder: string): ReadonlyArray<string> => [
  `packed ${published.length} packages, version ${workspace.version}, into ${folder}`,
  `npm install effect@4.1 @effect/platform-node@4.1 ${
    ["framing", "proxy", "core", "client", "node"].map((name) => tarballOf(folder, name)).join(" ")
  }`
]

if (import.meta.main) {
  const folder = join(root, "dist")
  pack(folder)
  for (const line of summary(folder)) console.log(line)
}
