import { spawnSync } from "node:child_process"
import { globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { bundle } from "../../../scripts/bundle.ts"
import { directory } from "./output.ts"

const workspace = resolve(import.meta.dirname, "../../..")
const application = join(directory, "app")

/**
 * Lays out the examples beside the packages, and the servers in their `bench/`; returns the folder of these. To be called
 * after `install`.
 */
export const installExamples = (): string => {
  const examples = join(workspace, "packages/examples")
  const target = join(application, "packages/examples")
  compile(join(examples, "src"), join(target, "src"))
  compile(join(examples, "bench/servers"), join(target, "bench/servers"))
  compile(join(import.meta.dirname, "servers"), join(application, "packages/node/bench/servers"))
  link("examples", "get-east-asian-width", "unhomoglyph")
  writeFileSync(join(application, "package.json"), JSON.stringify({ type: "module" }))
  return join(target, "bench/servers")
}

/**
 * Lays out the packages and the servers as an application has them: installed, and JavaScript only. From source, every
 * server would load a compiler into its heap and wait for it.
 *
 * Returns the folder of the servers.
 */
export const install = async (): Promise<string> => {
  rmSync(application, { recursive: true, force: true })
  await installBuilt("framing")
  await installBuilt("proxy")
  await installBuilt("core")
  await installBuilt("node")
  link("node", "effect", "@effect/platform-node")
  const servers = join(application, "servers")
  compile(join(import.meta.dirname, "servers"), servers)
  writeFileSync(join(servers, "package.json"), JSON.stringify({ type: "module" }))
  return servers
}

const installBuilt = async (name: string): Promise<void> => {
  const source = join(workspace, "packages", name)
  const target = join(application, "node_modules/@sluice", name)
  await bundle(name, join(target, "dist"))
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8"))
  writeFileSync(join(target, "package.json"), JSON.stringify({ ...manifest, ...manifest.publishConfig }))
}

const link = (name: string, ...dependencies: ReadonlyArray<string>): void => {
  for (const dependency of dependencies) {
    const target = join(application, "node_modules", dependency)
    mkdirSync(dirname(target), { recursive: true })
    symlinkSync(join(workspace, "packages", name, "node_modules", dependency), target)
  }
}

const compiler = join(workspace, "node_modules/typescript/bin/tsc")

// Types are checked where everything is, by `npm run check`.
const flags = ["--ignoreConfig", "--noCheck", "--noResolve", "--target", "ES2024", "--module", "NodeNext"]

const compile = (source: string, target: string): void => {
  const files = globSync(join(source, "**/*.ts"))
  const folders = ["--rewriteRelativeImportExtensions", "--rootDir", source, "--outDir", target]
  const { status } = spawnSync(process.execPath, [compiler, ...flags, ...folders, ...files], {
    stdio: ["ignore", 2, 2]
  })
  if (status !== 0) throw new Error(`${source} does not compile: \`npm run check\` tells more`)
}
