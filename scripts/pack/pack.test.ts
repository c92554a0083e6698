/**
 * Packs core and node as they would be published, installs the tarballs into an empty project outside of the workspace,
 * and uses them there as a stranger would: with the compiler, on the oldest Node that is supported and on the newest.
 */
import { execFile } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import workspace from "../../package.json" with { type: "json" }
import nodePackage from "../../packages/node/package.json" with { type: "json" }

const packages = ["core", "node", "simulation", "conformance", "codec"]
const oldestNode = "22.19.0"
const minutes = 60_000

const root = Path.resolve(import.meta.dirname, "../..")
const project = await Fs.mkdtemp(Path.join(await Fs.realpath(Os.tmpdir()), "sluice-pack-"))
const tarballOf = (name: string) => Path.join(project, `sluice-${name}-${workspace.version}.tgz`)

const run = (command: string, args: ReadonlyArray<string>, cwd = project) =>
  new Promise<string>((resolve, reject) =>
    execFile(command, args, { cwd }, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${error.message}\n${stdout}`)) // the message has the command and its stderr
    })
  )

/** The public modules of a package, by the names under which they are imported. */
const modulesOf = async (name: string) => {
  const manifest = JSON.parse(await Fs.readFile(Path.join(root, "packages", name, "package.json"), "utf8"))
  return Object.keys(manifest.publishConfig.exports as Record<string, string>)
    .filter((path) => !path.endsWith(".json"))
    .map((path) => `@sluice/${name}${path.slice(1)}`)
}

beforeAll(async () => {
  for (const name of packages) {
    const cwd = Path.join(root, "packages", name)
    await run("npx", ["--yes", workspace.packageManager, "pack", "--pack-destination", project], cwd)
  }
  await Fs.cp(Path.join(import.meta.dirname, "consumer"), project, { recursive: true })
  const peers = Object.entries(nodePackage.devDependencies)
    .filter(([name]) => !name.startsWith("@sluice/"))
    .map(([name, version]) => `${name}@${version}`)
  const types = `@types/node@${workspace.devDependencies["@types/node"]}`
  await run("npm", ["install", ...packages.map(tarballOf), ...peers, types])
  // The package `node` would fetch this one, by an install script.
  const binary = `node-${process.platform === "darwin" ? "bin-darwin" : process.platform}-${process.arch}`
  await run("npm", ["install", "--prefix", "oldest", `${binary}@${oldestNode}`])
  await Fs.symlink(Path.join("node_modules", binary), Path.join(project, "oldest", "node"))
}, 10 * minutes)

afterAll(() => Fs.rm(project, { recursive: true, force: true }))

describe.each(packages)("@sluice/%s", (name) => {
  test("contains its sources, its build, its documents and its license, and nothing else", async () => {
    const files = (await run("tar", ["-tzf", tarballOf(name)])).trim().split("\n")
    const surplus = files.filter((file) =>
      !/^package\/(src\/.+\.ts|dist\/.+\.(js|js\.map|d\.ts|d\.ts\.map)|package\.json|README\.md|AGENTS\.md|LICENSE)$/
        .test(file)
    )
    expect(surplus).toEqual([])
    expect(files).toEqual(expect.arrayContaining(["package/README.md", "package/AGENTS.md", "package/LICENSE"]))
  })
})

test("the declarations satisfy the compiler", async () => {
  expect(await run(Path.join(root, "node_modules", ".bin", "tsc"), [])).toBe("")
}, minutes)

describe.each([
  [oldestNode, Path.join(project, "oldest", "node", "bin", "node")],
  [process.versions.node, process.execPath]
])("Node %s", (version, node) => {
  test("is the one that runs", async () => {
    expect(await run(node, ["--version"])).toBe(`v${version}\n`)
  })

  test("loads every public module", async () => {
    // The adapter for vitest needs vitest, which the consumer does not have.
    const modules = (await Promise.all(packages.map(modulesOf))).flat().filter((name) => !name.includes("/Vitest"))
    expect(modules).toEqual(expect.arrayContaining(["@sluice/core/Server", "@sluice/node/NodeNetwork"]))
    const imports = modules.map((module) => `await import(${JSON.stringify(module)})`)
    await run(node, ["--input-type=module", "--eval", imports.join("\n")])
  })

  test("refuses to load an internal module", async () => {
    const load = run(node, ["--input-type=module", "--eval", `await import("@sluice/core/internal/server")`])
    await expect(load).rejects.toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED")
  })

  test("echoes", async () => {
    expect(await run(node, ["echo.js"])).toBe("echo\n")
  })
})
