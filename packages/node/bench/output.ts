import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"

/** Where benchmarks leave their files; not under version control. */
export const directory = resolve(import.meta.dirname, "../../../.bench")

/** Writes a result as JSON. */
export const writeJson = (file: string, value: unknown): void => {
  mkdirSync(dirname(resolve(file)), { recursive: true })
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`)
}
