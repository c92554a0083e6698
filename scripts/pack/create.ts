/**
 * `npm run create -- FOLDER`: copies the template into an empty folder, installs it with the packages of this clone, and runs its
 * test. `-- FOLDER TARBALLS` uses tarballs that exist already.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, delimiter, join, relative, resolve, sep } from "node:path"
import workspace from "../../package.json" with { type: "json" }
import { binaries } from "../install.mjs"
import { published, root } from "../repository/files.ts"
import { pack, tarballOf } from "./pack.ts"

const fail = (message: string): never => {
  console.error(`create: ${message}`)
  process.exit(2)
}

const [argument, packed] = process.argv.slice(2)
// npm runs scripts in the root of the clone; INIT_CWD is the directory of the caller.
const from = process.env.INIT_CWD ?? process.cwd()
const folder = resolve(from, argument ?? fail("no folder; name one: npm run create -- ../my-server"))
if (existsSync(folder) && readdirSync(folder).length > 0) fail(`${folder} is not empty; name a new folder`)

const tarballs = packed === undefined ? join(folder, "packages") : resolve(from, packed)
mkdirSync(folder, { recursive: true })
if (packed === undefined) {
  console.log("building the packages of this clone…")
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" })
  pack(tarballs)
}
cpSync(join(root, "template"), folder, { recursive: true, filter: (file) => basename(file) !== "node_modules" })

// Relative, so that the project can be moved and committed.
const tarball = (name: string) => `file:${relative(folder, tarballOf(tarballs, name)).replaceAll(sep, "/")}`

const file = join(folder, "package.json")
const manifest = JSON.parse(readFileSync(file, "utf8"))
manifest.name = basename(folder).toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-")
for (const kind of ["dependencies", "devDependencies"]) {
  for (const name of published) {
    if (`@sluice/${name}` in manifest[kind]) manifest[kind][`@sluice/${name}`] = tarball(name)
  }
}
// The packages depend on each other: they must get those of this clone, not published ones.
manifest.overrides = Object.fromEntries(
  ["framing", "proxy", "core"].map((name) => [`@sluice/${name}`, tarball(name)])
)
// The Node of the user runs the project. If it is too old to run TypeScript, the project gets the Node of this clone.
const path = (process.env.PATH ?? "").split(delimiter).filter((each) => resolve(each) !== resolve(binaries)).join(
  delimiter
)
const node = spawnSync("node", ["--print", "process.version + ' ' + Boolean(process.features.typescript)"], {
  env: { ...process.env, PATH: path },
  encoding: "utf8"
})
if (!String(node.stdout).endsWith(" true\n")) {
  const version = workspace.devDependencies.nodejs.replace("npm:node@", "")
  console.log(`Node ${String(node.stdout).split(" ")[0]} does not run TypeScript: the project gets node@${version}`)
  manifest.devDependencies.node = version
}
writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)

console.log(`installing ${folder}…`)
execFileSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder, stdio: "inherit" })
execFileSync("npm", ["test", "--silent"], { cwd: folder, stdio: "inherit" })
console.log(`created ${folder}; cd there, and npm start`)
