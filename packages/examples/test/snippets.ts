/** The pieces of TypeScript in the documentation, as files that can be checked and run. */
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { node, spawn } from "./program.ts"

export const workspace = resolve(import.meta.dirname, "../../..")
const compiler = join(workspace, "node_modules/.bin/tsc")
const vitest = join(workspace, "node_modules/vitest/vitest.mjs")

/** A block of code, and where it is. */
export interface Snippet {
  readonly place: string
  /** The line of its fence, from 1 up. */
  readonly line: number
  readonly code: ReadonlyArray<string>
}

/** What is behind the fence of a block, in Markdown and in a doc comment. */
const opening = /^( *\* )?```ts$/

/** The snippets of a file. */
export const snippetsOf = (file: string): ReadonlyArray<Snippet> => {
  const lines = readFileSync(join(workspace, file), "utf8").split("\n")
  return lines.flatMap((line, index) => {
    const match = opening.exec(line)
    if (match === null) return []
    const [, prefix = ""] = match
    const end = lines.indexOf(`${prefix}\`\`\``, index)
    if (end < 0) throw new Error(`${file}:${index + 1}: the block has no end`)
    const code = lines.slice(index + 1, end).map((each) => each.slice(prefix.length))
    return [{ place: `${file}:${index + 1}`, line: index + 1, code }]
  })
}

/** The files that match a pattern, without those that no other package imports. */
export const files = (...patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  globSync(patterns, { cwd: workspace, exclude: ["**/internal"] }).toSorted()

/** What a snippet says that it prints: `// =>` begins each line. */
export const announced = ({ code }: Snippet): string =>
  code.flatMap((line) => /\/\/ => (.*)$/.exec(line)?.[1] ?? []).map((line) => `${line}\n`).join("")

/** Whether it runs until it is stopped. */
export const isForever = ({ code }: Snippet): boolean => code.some((line) => line.includes("NodeRuntime.runMain"))

/** Whether it is a test, which only vitest can run. */
export const isTest = ({ code }: Snippet): boolean => code.some((line) => line.includes("from \"vitest\""))

/** The name that it has on its page, for others there to import: `// greeter.ts` in its first line. */
const nameOf = ({ code }: Snippet): string | undefined => /^\/\/ ([\w.-]+\.ts)$/.exec(code[0] ?? "")?.[1]

const configuration = {
  extends: "../../../tsconfig.base.json",
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
  include: ["**/*.ts"]
}

/** Writes snippets as files beside the examples, where their imports resolve. */
export class Folder {
  readonly #path = mkdtempSync(join(workspace, "packages/examples/.snippets-"))
  readonly #files = new Map<Snippet, string>()

  constructor(snippets: ReadonlyArray<Snippet>) {
    writeFileSync(join(this.#path, "package.json"), JSON.stringify({ type: "module" }))
    writeFileSync(join(this.#path, "tsconfig.json"), JSON.stringify(configuration))
    for (const snippet of snippets) {
      const [page = "", line = ""] = snippet.place.split(":")
      const name = nameOf(snippet) ?? `${line}.${isTest(snippet) ? "test.ts" : "ts"}`
      const file = join(this.#path, page.replaceAll(/\W/g, "_"), name)
      if (existsSync(file)) throw new Error(`${snippet.place}: another snippet of the page is ${name} too`)
      mkdirSync(dirname(file), { recursive: true })
      // The lines have the numbers that they have in the documentation.
      writeFileSync(file, `${"\n".repeat(snippet.line)}${snippet.code.join("\n")}\nexport {}\n`)
      this.#files.set(snippet, file)
    }
  }

  /** What the compiler reports of them, each with its place. */
  async check(): Promise<string> {
    const { code, stdout } = await spawn(compiler, ["--project", this.#path, "--pretty", "false"]).ended
    if (code === 0) return ""
    return Array.from(this.#files).reduce(
      (text, [{ place }, file]) => text.replaceAll(`${relative(process.cwd(), file)}(`, `${place}(`),
      stdout
    )
  }

  run(snippet: Snippet) {
    return spawn(node, [this.#files.get(snippet)!]).ended
  }

  /** Runs a snippet that is a test. */
  test(snippet: Snippet) {
    return spawn(node, [vitest, "run", "--root", this.#path, this.#files.get(snippet)!], { NO_COLOR: "1" }).ended
  }

  remove(): void {
    rmSync(this.#path, { recursive: true })
  }
}
