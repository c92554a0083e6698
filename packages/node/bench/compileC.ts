import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { directory } from "./output.ts"

const compiled = new Map<string, string | undefined>()

/**
 * Compiles a program in C, once. Returns its path, or `undefined` without a compiler or without one of the libraries. A
 * program that has no libraries and does not compile is an error: its slower double would measure something else.
 */
export const compileC = (source: string, name: string, ...libraries: ReadonlyArray<string>): string | undefined => {
  if (!compiled.has(source)) {
    const binary = join(directory, name)
    mkdirSync(dirname(binary), { recursive: true })
    const { error, status, stderr } = spawnSync("cc", ["-O2", "-o", binary, source, ...libraries], { encoding: "utf8" })
    if (error === undefined && status !== 0 && libraries.length === 0) {
      throw new Error(`${source} does not compile: ${stderr}`)
    }
    compiled.set(source, status === 0 ? binary : undefined)
  }
  return compiled.get(source)
}
