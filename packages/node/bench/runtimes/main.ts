/**
 * `npm run conformance:runtimes`: runs the conformance suite on Bun and Deno, and writes what passes into docs/runtimes.md.
 * Fails if a check fails for no known reason. `-- Bun TCP` runs a part, and writes nothing.
 */
import { spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { installIn, root } from "../../../../scripts/install.mjs"
import { reasonOf } from "./reasons.ts"
import { kinds, type Result } from "./results.ts"

const suite = join(import.meta.dirname, "suite.ts")
const bin = join(root, "scripts/runtimes/node_modules/.bin")
const commands: Readonly<Record<string, readonly [string, ...Array<string>]>> = {
  Bun: [join(bin, "bun"), suite],
  Deno: [join(bin, "deno"), "run", "--allow-all", "--node-modules-dir=manual", suite]
}
const page = join(root, "docs/runtimes.md")
// A check takes up to eight seconds, and then closes what it opened.
const silence = 30_000
// How often a runtime may hang or end before the rest of its checks is left out.
const attempts = 3

/** Runs the checks from one on. Ends when all have run, or when the runtime ends or hangs in the midst of one. */
const runFrom = (runtime: string, kind: string, first: number) =>
  new Promise<{ readonly results: ReadonlyArray<Result>; readonly how: string }>((resolve) => {
    const [command, ...args] = commands[runtime]!
    const child = spawn(command, [...args, kind, String(first)], { stdio: ["ignore", "pipe", "ignore"] })
    const results: Array<Result> = []
    let how = ""
    const watch = setTimeout(() => {
      how = "the runtime hangs"
      child.kill("SIGKILL")
    }, silence)
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{\"suite\"")) results.push(JSON.parse(line))
      watch.refresh()
    })
    child.on("close", (code, signal) => {
      clearTimeout(watch)
      resolve({ results, how: how === "" && code !== 0 ? `the runtime ended by ${signal ?? `code ${code}`}` : how })
    })
  })

const runAll = async (runtime: string, kind: string): Promise<ReadonlyArray<Result>> => {
  const all: Array<Result> = []
  for (;;) {
    const { how, results } = await runFrom(runtime, kind, all.length)
    all.push(...results)
    if (how === "") return all
    all.push({ suite: kind, law: "", name: "", finding: how })
    if (all.filter(({ name }) => name === "").length === attempts) return all
  }
}

await installIn("scripts/runtimes")
const wanted = process.argv.slice(2)
const isWanted = (...names: ReadonlyArray<string>) => wanted.every((name) => names.includes(name))

const rows: Array<string> = []
const failures = new Map<string, number>()
const surprises: Array<string> = []
for (const runtime of Object.keys(commands)) {
  const cells: Array<string> = []
  for (const kind of kinds) {
    if (!isWanted(runtime, kind)) continue
    const results = await runAll(runtime, kind)
    const failed = results.filter(({ finding }) => finding !== undefined)
    console.log(`${runtime} ${kind}: ${results.length - failed.length} of ${results.length}`)
    cells.push(`${results.length - failed.length} of ${results.length}`)
    for (const { finding = "", law, name } of failed) {
      const reason = reasonOf(runtime, kind, `${law} ${name}`, finding)
      if (reason === undefined) surprises.push(`${runtime} ${kind} ${law} ${name}: ${finding}`)
      else failures.set(`${runtime}, ${kind}: ${reason}`, (failures.get(`${runtime}, ${kind}: ${reason}`) ?? 0) + 1)
    }
  }
  rows.push(`| ${runtime} | ${cells.join(" | ")} |`)
}
for (const surprise of surprises) console.log(surprise)

if (wanted.length === 0) {
  const { devDependencies } = JSON.parse(readFileSync(join(root, "scripts/runtimes/package.json"), "utf8"))
  const versioned = rows.map((row) =>
    row.replace(/^\| (\w+)/, (_, name: string) => `| ${name} ${devDependencies[name.toLowerCase()]}`)
  )
  const table = [`| | ${kinds.join(" | ")} |`, "| --- | --- | --- | --- | --- |", ...versioned].join("\n")
  const list = Array.from(failures, ([reason, count]) => `- ${reason} (${count} ${count === 1 ? "check" : "checks"})`)
  const text = readFileSync(page, "utf8").replace(
    /(<!-- results -->\n)[\s\S]*(\n<!-- end -->)/,
    (_, before: string, after: string) => `${before}\n${table}\n\n${list.join("\n")}\n${after}`
  )
  writeFileSync(page, text)
  console.log("wrote docs/runtimes.md; npm run format aligns its table")
}
process.exitCode = surprises.length === 0 ? 0 : 1
