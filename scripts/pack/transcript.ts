/** Runs the commands of a page as a reader would, and compares what they print with what the page shows. */
import { type ChildProcess, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"

/** A file to write, or a command with the lines that it prints. */
export type Step = { readonly file: string; readonly text: string } | {
  readonly command: string
  readonly lines: ReadonlyArray<string>
}

/**
 * The steps of a page: blocks of TypeScript that begin with the name of a file, and blocks of text with commands behind `$`.
 * A line `…` stands for any lines, `…` at the end of a line for its rest.
 */
export const stepsOf = (page: string): ReadonlyArray<Step> =>
  Array.from(page.matchAll(/^```(ts|text)\n(.*?)^```$/gms)).flatMap(([, language, text = ""]): ReadonlyArray<Step> => {
    if (language === "ts") {
      const file = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1]
      return file === undefined ? [] : [{ file, text }]
    }
    return text.split(/^\$ /m).slice(1).map((part) => {
      const [command = "", ...lines] = part.trimEnd().split("\n")
      return { command, lines }
    })
  })

/** What is left to do when all steps have run: programs that run until they are stopped, by their commands. */
export type Running = Map<string, ChildProcess>

/**
 * Runs a step in a folder, with another path in place of one of the page. A command must print its lines and exit with 0. The server
 * and `nc` keep running; to `nc`, lines are typed and answered by turns.
 */
export const perform = async (
  step: Step,
  folder: string,
  place: { readonly from: string; readonly to: string },
  running: Running
): Promise<void> => {
  if ("file" in step) return writeFileSync(join(folder, step.file), step.text)
  const { command, lines } = step
  const isTalk = command.startsWith("nc ")
  const stays = isTalk || command === "node server.ts"
  // In place of the shell, so that signals reach the program.
  const program = `${stays ? "exec " : ""}${command.replaceAll(place.from, place.to)}`
  const child = spawn("bash", ["-c", program], { cwd: folder, stdio: ["pipe", "pipe", "pipe"] })
  let output = ""
  let look = () => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += stripVTControlCharacters(text)
      look()
    })
  }
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve))
  const shows = (wanted: ReadonlyArray<string>) =>
    new Promise<void>((resolve, reject) => {
      look = () => matches(output, wanted) && resolve()
      look()
      void exit.then((code) =>
        reject(new Error(`$ ${command}\n${output}\nexited with ${code}, and should print\n${wanted.join("\n")}`))
      )
    })
  if (!stays) child.stdin.end()
  else running.set(command, child)
  if (isTalk) {
    for (let index = 0; index < lines.length; index += 2) {
      child.stdin.write(`${lines[index]}\n`)
      await shows(lines.filter((_, each) => each % 2 === 1 && each <= index + 1))
    }
    return
  }
  await shows(lines)
  const code = stays ? 0 : await exit
  if (code !== 0) throw new Error(`$ ${command}\n${output}\nexited with ${code}`)
}

/** Stops the programs that still run, as Ctrl-C does, and resolves to their exit codes. */
export const stop = (running: Running): Promise<ReadonlyArray<number | null>> =>
  Promise.all(
    Array.from(running.values(), (child) =>
      new Promise<number | null>((resolve) => {
        child.once("close", resolve)
        child.stdin?.end()
        child.kill("SIGINT")
      }))
  )

const matches = (output: string, wanted: ReadonlyArray<string>): boolean => {
  const pattern = wanted.map((line) => {
    if (line === "…") return "(?:.*\n)*?"
    const [start = ""] = line.split(" …")
    const exact = escape(normal(start))
    return start === line ? `${exact} *\n` : `${exact}.*\n`
  })
  return new RegExp(`^${pattern.join("")}\n*$`).test(normal(output))
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")

// How long it took, and how much there was to install, is not the same everywhere.
const normal = (text: string): string =>
  text.replaceAll(/\d+(\.\d+)?(ms|s|m)\b/g, "#s").replaceAll(/added \d+ packages/g, "added # packages")
