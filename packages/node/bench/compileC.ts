import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { directory } from "./output.ts"

const compiled = new Map<string, string | undefined>()

/** Compiles a program in C, once; answers where it is, or `undefined` where there is no compiler or a library is missing. */
export const compileC = (source: string, name: string, ...libraries: ReadonlyArray<string>): string | undefined => {
  if (!compiled.has(source)) {
    const binary = join(directory, name)
    mkdirSync(dirname(binary), { recursive: true })
    const { status } = spawnSync("cc", ["-O2", "-o", binary, source, ...libraries])
    compiled.set(source, status === 0 ? binary : undefined)
  }
  return compiled.get(source)
}
