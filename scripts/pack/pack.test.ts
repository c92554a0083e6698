/**
 * Packs the packages as they would be published, installs the tarballs into an empty project outside of the workspace, and
 * uses them there: with two compilers, with a bundler, on the oldest supported Node and on the newest.
 */
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core"
import { build, type Metafile } from "esbuild"
import { execFile } from "node:child_process"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import { gzipSync } from "node:zlib"
import { publint } from "publint"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import workspace from "../../package.json" with { type: "json" }
import nodePackage from "../../packages/node/package.json" with { type: "json" }
import { freePort } from "../../packages/node/test/fixtures/freePort.ts"
import { published, root } from "../repository/files.ts"
import * as Pack from "./pack.ts"
import * as Transcript from "./transcript.ts"

const oldestNode = "22.19.0"
/** The most that a bundled echo server may have, in KiB. */
const budget = { all: 280, compressed: 100 }
const minutes = 60_000

const project = await Fs.mkdtemp(Path.join(await Fs.realpath(Os.tmpdir()), "sluice-pack-"))
const tarballOf = (name: string) => Pack.tarballOf(project, name)

/** The problems that @arethetypeswrong finds in a package. */
const problemsOf = async (tarball: Buffer) => {
  const result = await checkPackage(createPackageFromTarballData(tarball))
  if (result.types === false) throw new Error("the package has no types")
  return result.problems
}

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
  Pack.pack(project)
  await Fs.cp(Path.join(import.meta.dirname, "consumer"), project, { recursive: true })
  const peers = Object.entries(nodePackage.devDependencies)
    .filter(([name]) => !name.startsWith("@sluice/"))
    .map(([name, version]) => `${name}@${version}`)
  const types = `@types/node@${workspace.devDependencies["@types/node"]}`
  await run("npm", ["install", ...published.map(tarballOf), ...peers, types])
  // The package `node` would fetch this one, by an install script.
  const binary = `node-${process.platform === "darwin" ? "bin-darwin" : process.platform}-${process.arch}`
  await run("npm", ["install", "--prefix", "oldest", `${binary}@${oldestNode}`])
  await Fs.symlink(Path.join("node_modules", binary), Path.join(project, "oldest", "node"))
}, 10 * minutes)

afterAll(() => Fs.rm(project, { recursive: true, force: true }), 2 * minutes)

describe.each(published)("@sluice/%s", (name) => {
  test("has a manifest without mistakes", async () => {
    const tarball = await Fs.readFile(tarballOf(name))
    const { messages } = await publint({ pack: { tarball: tarball.buffer as ArrayBuffer }, strict: true })
    expect(messages).toEqual([])
  })

  test("has declarations that fit its modules, for every resolution but that of old compilers", async () => {
    const problems = await problemsOf(await Fs.readFile(tarballOf(name)))
    // They are ECMAScript modules alone, which `require` of a CommonJS program cannot name.
    expect(problems.filter(({ kind }) => kind !== "NoResolution" && kind !== "CJSResolvesToESM")).toEqual([])
    expect(problems.filter((each) => each.kind === "NoResolution" && each.resolutionKind !== "node10")).toEqual([])
  }, 2 * minutes)

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

describe.each([
  ["TypeScript 7", Path.join(root, "node_modules/.bin/tsc")],
  ["TypeScript 5.9", Path.join(import.meta.dirname, "node_modules/typescript-5.9/bin/tsc")]
])("%s", (_, compiler) => {
  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"]
  ])("compiles a program with the module kind %s and the resolution %s", async (module, resolution) => {
    expect(await run(compiler, ["--module", module, "--moduleResolution", resolution])).toBe("")
  }, 3 * minutes)
})

describe("a bundle", () => {
  const bundle = async (code: string) => {
    const { metafile, outputFiles: [output] } = await build({
      stdin: { contents: code, resolveDir: project, loader: "ts" },
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "esm",
      logLevel: "silent"
    })
    const [{ inputs }] = Object.values(metafile.outputs) as [Metafile["outputs"][string]]
    return {
      text: output!.contents,
      inputs: Object.keys(inputs).filter((file) => inputs[file]!.bytesInOutput > 0)
    }
  }

  test("of an echo server is small", async () => {
    const { text } = await bundle(await Fs.readFile(Path.join(project, "echo.ts"), "utf8"))
    expect(text.length / 1024).toBeLessThan(budget.all)
    expect(gzipSync(text).length / 1024).toBeLessThan(budget.compressed)
  }, minutes)

  test("has only what a program uses, also from the root module", async () => {
    const code = `import { Endpoint } from "@sluice/core"; console.log(Endpoint.parse("tcp://127.0.0.1:1"))`
    const { inputs } = await bundle(code)
    expect(
      inputs.filter((file) =>
        /@sluice\/(client|framing\/dist\/Framing|core\/dist\/(Server|Broadcast|Framed|internal\/(server|udp)))/
          .test(file)
      )
    ).toEqual([])
  }, minutes)
})

test("the template becomes a server whose test passes", async () => {
  const create = Path.join(import.meta.dirname, "create.ts")
  const said = await run(process.execPath, [create, Path.join(project, "server"), project])
  expect(said).toMatch(/1 passed[\s\S]*created .*server; cd there, and npm start/)
  // Its seeds print nothing.
  expect(said).not.toContain("listening on")
  expect(await run("npm", ["run", "--silent", "check"], Path.join(project, "server"))).toBe("")
}, 5 * minutes)

test("the commands of Getting started print what the page shows", async () => {
  const port = await freePort()
  const page = (await Fs.readFile(Path.join(root, "docs/getting-started.md"), "utf8")).replaceAll("12345", `${port}`)
  const [packed, ...steps] = Transcript.stepsOf(page)
  // The packages are packed already.
  expect(packed).toHaveProperty("command", "npm run -s pack")
  const [summary = "", install = ""] = Pack.summary("/path/to/sluice/dist")
  expect(page).toContain(`${summary}\n${install.split(" ").slice(0, 5).join(" ")} …`)

  const folder = Path.join(project, "started")
  await Fs.mkdir(folder)
  const running: Transcript.Running = new Map()
  try {
    for (const step of steps) {
      await Transcript.perform(step, folder, { from: "/path/to/sluice/dist", to: project }, running)
    }
  } finally {
    await Transcript.stop(running)
  }
  expect(steps.map((step) => "file" in step ? step.file : step.command.split(" ")[0])).toEqual(
    expect.arrayContaining(["greeter.ts", "server.ts", "node", "nc", "client.ts", "both.ts", "greeter.test.ts", "npx"])
  )
}, 5 * minutes)

describe.each([
  [oldestNode, Path.join(project, "oldest", "node", "bin", "node")],
  [process.versions.node, process.execPath]
])("Node %s", (version, node) => {
  test("is the one that runs", async () => {
    expect(await run(node, ["--version"])).toBe(`v${version}\n`)
  })

  test("loads every public module", async () => {
    // The adapter for vitest needs vitest, which the consumer does not have.
    const modules = (await Promise.all(published.map(modulesOf))).flat().filter((name) => !name.includes("/Vitest"))
    expect(modules).toEqual(expect.arrayContaining(["@sluice/core/Server", "@sluice/node/NodeNetwork"]))
    const imports = modules.map((module) => `await import(${JSON.stringify(module)})`)
    await run(node, ["--input-type=module", "--eval", imports.join("\n")])
  }, minutes)

  test("refuses to load an internal module", async () => {
    const load = run(node, ["--input-type=module", "--eval", `await import("@sluice/core/internal/server")`])
    await expect(load).rejects.toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED")
  })

  test("echoes", async () => {
    expect(await run(node, ["echo.js"])).toBe("echo\n")
  })
})
