/** The pieces of TypeScript in the documentation, as files that can be checked and run. */
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { bundle } from "./bundle.ts"
import { node, spawn } from "./program.ts"

export const workspace = resolve(import.meta.dirname, "../../..")
const compiler = join(workspace, "node_modules/.bin/tsc")
const vitest = join(workspace, "node_modules/vitest/vitest.mjs")
// Where the programs keep what they compiled as well.
const compileCache = join(workspace, "node_modules/.cache/compile")

/** A block of code, and where it is. */
export interface Snippet {
  readonly place: string
  /** The line of its fence, from 1 up. */
  readonly line: number
  readonly code: ReadonlyArray<string>
  /** The imports of snippets above it on a page of the guide that it uses too, each with its line. */
  readonly inherited: ReadonlyMap<number, string>
}

/** What is behind the fence of a block, in Markdown and in a doc comment. */
const opening = /^( *\* )?```ts$/

/** The name that it has on its page, for others there to import: `// greeter.ts` in its first line. */
const nameOf = ({ code }: Snippet): string | undefined => /^\/\/ ([\w.-]+\.ts)$/.exec(code[0] ?? "")?.[1]

/** The names that a line of code imports. */
const importsOf = (line: string): ReadonlyArray<string> =>
  /^import (?:type )?(.*) from /.exec(line)?.[1]?.match(/\w+(?=[ ,}]*$|[ ,}]*,)/g) ?? []

/** Whether code uses a name that it neither imports nor declares. */
const lacks = (code: ReadonlyArray<string>, name: string): boolean =>
  code.some((line) => new RegExp(String.raw`(?<![."])\b${name}\b`).test(line)) &&
  !code.some((line) =>
    importsOf(line).includes(name) ||
    new RegExp(String.raw`\b(const|let|class|function|interface|type) ${name}\b`).test(line)
  )

/** Lets each snippet use the imports of those above it. A file to copy, with its name in the first line, has its own. */
const inherit = (snippets: ReadonlyArray<Snippet>): ReadonlyArray<Snippet> => {
  const seen = new Map<string, readonly [number, string]>()
  return snippets.map((snippet) => {
    const used = Array.from(seen).filter(([name]) => lacks(snippet.code, name)).map(([, line]) => line)
    snippet.code.forEach((line, index) => {
      for (const name of importsOf(line)) seen.set(name, [snippet.line + 1 + index, line])
    })
    return nameOf(snippet) === undefined ? { ...snippet, inherited: new Map(used) } : snippet
  })
}

/** The snippets of a file. */
export const snippetsOf = (file: string): ReadonlyArray<Snippet> => {
  const lines = readFileSync(join(workspace, file), "utf8").split("\n")
  const snippets = lines.flatMap((line, index): ReadonlyArray<Snippet> => {
    const match = opening.exec(line)
    if (match === null) return []
    const [, prefix = ""] = match
    const end = lines.indexOf(`${prefix}\`\`\``, index)
    if (end < 0) throw new Error(`${file}:${index + 1}: the block has no end`)
    const code = lines.slice(index + 1, end).map((each) => each.slice(prefix.length))
    return [{ place: `${file}:${index + 1}`, line: index + 1, code, inherited: new Map() }]
  })
  return file.startsWith("docs/") ? inherit(snippets) : snippets
}

/** The files that match a pattern, without those that no other package imports. */
export const files = (...patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  globSync(patterns, { cwd: workspace, exclude: ["**/internal"] }).toSorted()

/** What a snippet says that it prints: `// =>` begins each line. */
export const announced = ({ code }: Snippet): string =>
  code.flatMap((line) => /\/\/ => (.*)$/.exec(line)?.[1] ?? []).map((line) => `${line}\n`).join("")

/** Whether it runs until it is stopped. */
export const isForever = ({ code }: Snippet): boolean => code.some((line) => line.includes("NodeProgram.run("))

/** Whether it is a test, which only vitest can run. */
export const isTest = ({ code, inherited }: Snippet): boolean =>
  [...code, ...inherited.values()].some((line) => /from "(?:@effect\/)?vitest"/.test(line))

const configuration = {
  extends: join(workspace, "tsconfig.base.json"),
  compilerOptions: {
    types: ["node"],
    noEmit: true,
    composite: false,
    declaration: false,
    declarationMap: false,
    allowImportingTsExtensions: true,
    rewriteRelativeImportExtensions: false,
    noUnusedLocals: false
  },
  include: ["**/*.ts"],
  // The script of a report has the types of browsers.
  references: [{ path: join(workspace, "packages/simulation/src/internal/report/html/browser") }]
}

/** What vitest reports of a file, as far as it is read here. */
interface TestFile {
  readonly name: string
  readonly message: string
  readonly assertionResults: ReadonlyArray<{ readonly failureMessages: ReadonlyArray<string> }>
}

/** Writes snippets as files into a folder where their imports resolve: that of the examples, unless another is named. */
export class Folder {
  readonly #path: string
  readonly #files = new Map<Snippet, string>()
  readonly #programs = new Map<Snippet, string>()
  #tested: Promise<ReadonlyArray<TestFile>> | undefined

  constructor(snippets: ReadonlyArray<Snippet>, parent = "packages/examples") {
    this.#path = mkdtempSync(join(workspace, parent, ".snippets-"))
    writeFileSync(join(this.#path, "package.json"), JSON.stringify({ type: "module" }))
    writeFileSync(join(this.#path, "tsconfig.json"), JSON.stringify(configuration))
    for (const snippet of snippets) {
      const [page = "", line = ""] = snippet.place.split(":")
      const name = nameOf(snippet) ?? `${line}.${isTest(snippet) ? "test.ts" : "ts"}`
      const file = join(this.#path, page.replaceAll(/\W/g, "_"), name)
      if (existsSync(file)) throw new Error(`${snippet.place}: another snippet of the page is ${name} too`)
      mkdirSync(dirname(file), { recursive: true })
      // The lines have the numbers that they have in the documentation.
      const above = Array.from({ length: snippet.line }, (_, index) => snippet.inherited.get(index + 1) ?? "")
      writeFileSync(file, [...above, ...snippet.code, "export {}", ""].join("\n"))
      this.#files.set(snippet, file)
    }
  }

  /** What the compiler reports of them, each with its place. */
  async check(): Promise<string> {
    const { code, stdout } = await spawn(compiler, ["--build", this.#path, "--pretty", "false"]).ended
    if (code === 0) return ""
    return Array.from(this.#files).reduce(
      (text, [{ place }, file]) => text.replaceAll(`${relative(process.cwd(), file)}(`, `${place}(`),
      stdout
    )
  }

  /** Bundles snippets that will run, so that they start faster. */
  async bundle(snippets: ReadonlyArray<Snippet>): Promise<void> {
    const named = snippets.map((snippet, index) => [`bundle/${index}`, snippet] as const)
    await bundle(Object.fromEntries(named.map(([name, snippet]) => [name, this.#files.get(snippet)!])), this.#path)
    for (const [name, snippet] of named) this.#programs.set(snippet, join(this.#path, `${name}.js`))
  }

  run(snippet: Snippet) {
    const program = this.#programs.get(snippet) ?? this.#files.get(snippet)!
    return spawn(node, [program], { NODE_COMPILE_CACHE: compileCache }).ended
  }

  /** Runs a snippet that is a test: what failed in it, or nothing. The first call runs them all, in one vitest. */
  async test(snippet: Snippet): Promise<string> {
    this.#tested ??= this.#runTests()
    const outcome = (await this.#tested).find(({ name }) => name === this.#files.get(snippet))
    if (outcome === undefined || outcome.assertionResults.length === 0) return "vitest found no test in it"
    return [outcome.message, ...outcome.assertionResults.flatMap((each) => each.failureMessages)].join("\n").trim()
  }

  async #runTests(): Promise<ReadonlyArray<TestFile>> {
    const results = join(this.#path, "results.json")
    const ended = await spawn(node, [vitest, "run", "--root", this.#path, "--reporter=json", `--outputFile=${results}`])
      .ended
    if (!existsSync(results)) throw new Error(`vitest gave no results: ${ended.stderr}`)
    return JSON.parse(readFileSync(results, "utf8")).testResults
  }

  remove(): void {
    rmSync(this.#path, { recursive: true })
  }
}
