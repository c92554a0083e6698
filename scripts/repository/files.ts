/** The files of the repository, as paths from its root. */
import { globSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

export const root = resolve(import.meta.dirname, "../..")

const excluded = ["**/node_modules", "**/dist", "**/.snippets-*"]

/** The files that match a pattern, in alphabetical order. */
export const files = (...patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  globSync(patterns, { cwd: root, exclude: excluded }).toSorted()

export const read = (file: string): string => readFileSync(join(root, file), "utf8")

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string>>
  readonly sideEffects?: ReadonlyArray<string> | false
  readonly publishConfig?: { readonly exports: Readonly<Record<string, string>> }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly scripts?: Readonly<Record<string, string>>
}

export const manifest = (folder: string): Manifest => JSON.parse(read(join(folder, "package.json")))

/** The packages that are published, by the names of their folders. */
export const published = files("packages/*/package.json")
  .map((file) => file.split("/")[1]!)
  .filter((name) => manifest(`packages/${name}`).private !== true)
