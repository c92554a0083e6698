/** What the files of the repository import. */
import { dirname, join } from "node:path"

export interface Import {
  readonly line: number
  /** What the source says: `"./Endpoint.ts"`, `"effect/Effect"`. */
  readonly specifier: string
  /** The path from the root of the repository of a relative import, and the specifier of any other. */
  readonly target: string
  /** Only types are imported, so that the import is gone at run time. */
  readonly isType: boolean
}

const statement = new RegExp(
  [
    String.raw`^(?:import|export) (type )?(?:(?:\w+, )?(?:\*(?: as \w+)?|\{([^}]*)\})|\w+)\s+from "([^"]+)"`,
    String.raw`^import "([^"]+)"`,
    String.raw`\bimport\("([^"]+)"\)`
  ].join("|"),
  "gm"
)

/** The imports, re-exports and dynamic imports of a module. Comments are skipped. */
export const importsOf = (file: string, text: string): ReadonlyArray<Import> => {
  const source = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) => comment.replaceAll(/[^\n]/g, " "))
  const matches = Array.from(source.matchAll(statement))
  const imports = matches.map((match): Import => {
    const [whole, typeOnly, names, from, effectOnly, dynamic] = match
    const specifier = from ?? effectOnly ?? dynamic!
    return {
      line: source.slice(0, match.index + whole.length).split("\n").length,
      specifier,
      target: specifier.startsWith(".") ? join(dirname(file), specifier) : specifier,
      isType: typeOnly !== undefined || (names !== undefined && namesTypesOnly(names))
    }
  })
  // Tests hold programs of other languages in strings, some of which import too.
  const [expected, read] = [/^import\b(?![.(])/gm, /^import\b(?!\()/]
  const unread = (source.match(expected)?.length ?? 0) - matches.filter(([whole]) => read.test(whole)).length
  if (unread > 0 && file.includes("/src/")) throw new Error(`${file}: cannot read ${unread} of its imports`)
  return imports
}

const namesTypesOnly = (names: string) =>
  names.split(",").map((name) => name.trim()).filter((name) => name !== "").every((name) => name.startsWith("type "))
