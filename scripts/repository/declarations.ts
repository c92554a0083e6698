/** The public names of a package, read from the declarations that the compiler makes of its source. */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { manifest, published, root } from "./files.ts"

/** A name that a module exports, or one that only its declarations use. */
export interface Declaration {
  readonly name: string
  readonly isExported: boolean
  /** Its doc comment, or nothing. */
  readonly comment: string
  /** Its text without comments, `export` and `declare`. */
  readonly text: string
  /** The same with the doc comments of its members. */
  readonly documented: string
  /** The source file that declares it, from the root of the repository. */
  readonly source: string
}

/** The declarations of a public module, by name. */
export interface Module {
  /** What programs import: `@sluice/core/Server`. */
  readonly name: string
  /** Its source file, from the root of the repository. */
  readonly source: string
  readonly declarations: ReadonlyArray<Declaration>
}

export interface Package {
  readonly folder: string
  readonly name: string
  readonly modules: ReadonlyArray<Module>
}

/** The public modules of a package, by their names in its source. The root module is not among them. */
export const modulesOf = (folder: string): ReadonlyArray<string> =>
  Object.values(manifest(folder).exports ?? {}).flatMap((path) => /^\.\/src\/([\w/]+)\.ts$/.exec(path)?.[1] ?? [])
    .filter((name) => name !== "index")

/** Compiles every published package and reads the declarations of its public modules. */
export const readPackages = (): ReadonlyArray<Package> => {
  const cache = join(root, "node_modules/.cache")
  mkdirSync(cache, { recursive: true })
  const output = mkdtempSync(join(cache, "declarations-"))
  try {
    compile(output)
    const statementsIn = memoize((file: string) => statementsOf(readFileSync(file, "utf8")))
    return published.map((directory) => {
      const folder = `packages/${directory}`
      const { name } = manifest(folder)
      const modules = modulesOf(folder).map((module): Module => ({
        name: `${name}/${module}`,
        source: `${folder}/src/${module}.ts`,
        declarations: declarationsOf(join(output, directory, "src", `${module}.d.ts`), statementsIn)
          .map((each) => ({ ...each, source: sourceOf(relative(output, each.source)) }))
      }))
      return { folder, name, modules }
    })
  } finally {
    rmSync(output, { recursive: true })
  }
}

const sourceOf = (declarations: string) => `packages/${declarations.replace(/\.d\.ts$/, ".ts")}`

const compile = (outDir: string) => {
  const configuration = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: {
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      rootDir: join(root, "packages"),
      outDir,
      composite: false,
      emitDeclarationOnly: true,
      declarationMap: false,
      sourceMap: false,
      noCheck: true
    },
    include: published.map((name) => join(root, "packages", name, "src"))
  }
  const file = join(outDir, "tsconfig.json")
  writeFileSync(file, JSON.stringify(configuration))
  execFileSync(join(root, "node_modules/.bin/tsc"), ["--project", file], { stdio: ["ignore", "inherit", "inherit"] })
}

interface Statement {
  readonly comment: string
  readonly text: string
  readonly documented: string
}

const comment = String.raw`/\*\*(?:(?!\*/)[\s\S])*\*/`

/** A list of exports, whose names may have doc comments of their own; or what begins in the first column and ends before the next. */
const statement = new RegExp(
  [
    String.raw`^(${comment}\n)?(?:(export (?:type )?\{[^;]*\}(?: from "[^"]+")?;)$`,
    String.raw`((?:export|declare|import)\b.*\n(?:(?!/\*\*|export\b|declare\b|import\b).*\n)*))`
  ].join("|"),
  "gm"
)

const statementsOf = (text: string): ReadonlyArray<Statement> =>
  Array.from(text.matchAll(statement), ([, doc = "", list, code = ""]) => ({
    comment: doc,
    text: list ?? code.replaceAll(new RegExp(String.raw`^\s*${comment}\n`, "gm"), "").trimEnd(),
    documented: list ?? code.trimEnd()
  }))

const listed = new RegExp(String.raw`(${comment})?\s*(?:type )?(\w+)(?: as (\w+))?\s*(?:,|$)`, "g")

const declarationsOf = (
  file: string,
  statementsIn: (file: string) => ReadonlyArray<Statement>
): ReadonlyArray<Declaration> =>
  statementsIn(file).flatMap(({ comment: doc, documented, text }): ReadonlyArray<Declaration> => {
    if (text.startsWith("import") || text === "export {};") return []
    const list = /^export (?:type )?\{([\s\S]*)\}(?: from "([^"]+)")?;$/.exec(text)
    if (list === null) {
      const declared = /^(export )?(?:declare )?((?:abstract )?\w+ (\w+)[\s\S]*)$/.exec(text)
      if (declared === null) throw new Error(`${file}: a declaration in an unknown form: ${text}`)
      const isExported = declared[1] !== undefined
      const bare = documented.replace(/^(export )?(declare )?/, "")
      return [{ name: declared[3]!, isExported, comment: doc, text: declared[2]!, documented: bare, source: file }]
    }
    const names = Array.from(list[1]!.matchAll(listed))
    // The comment before a list of one name is that name's.
    const only = names.length === 1 && doc !== "" ? doc : undefined
    return names.flatMap(([, own, name = "", alias = name]) => {
      const exported = { name: alias, isExported: true }
      if (list[2] === undefined) {
        const same = `${alias} = ${name}`
        return [{ ...exported, comment: own ?? only ?? "", text: same, documented: same, source: file }]
      }
      const origin = join(dirname(file), list[2].replace(/\.ts$/, ".d.ts"))
      // A public module documents its own names.
      const isInternal = origin.includes("/internal/")
      const found = declarationsOf(origin, statementsIn).filter((declaration) => declaration.name === name)
      if (found.length === 0) throw new Error(`${file}: ${name} is not in ${origin}`)
      return found.map((each) => ({
        ...exported,
        comment: own ?? only ?? each.comment,
        source: each.source,
        text: isInternal ? each.text : `${alias} = ${list[2]} ${name}`,
        documented: each.documented
      }))
    })
  })

const memoize = <A>(compute: (key: string) => A) => {
  const values = new Map<string, A>()
  return (key: string): A => {
    if (!values.has(key)) values.set(key, compute(key))
    return values.get(key)!
  }
}
