/**
 * Two files of each package that follow from its exports and its declarations: `surface.txt`, the list of its public names
 * with their signatures, and `src/index.ts`, the root module. `npm run surface` writes both; the tests compare them, so that
 * a change of what is public shows in a review.
 */
import { writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { type Declaration, modulesOf, type Package, readPackages } from "./declarations.ts"
import { files, manifest, read, root } from "./files.ts"
import { importsOf } from "./imports.ts"

/** The text of `surface.txt`. */
export const surfaceOf = ({ modules, name }: Package): string =>
  [
    `The public names of ${name}, with their signatures. Do not edit: npm run surface writes this file.`,
    ...modules.map((module) =>
      [`# ${module.name}`, ...module.declarations.toSorted(byName).map(signature)].join("\n\n")
    )
  ].join("\n\n") + "\n"

const byName = (a: Declaration, b: Declaration) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

const signature = ({ isExported, text }: Declaration) => `${isExported ? "" : "local "}${withoutBoilerplate(text)}`

/** The constructor that every error class has in its declaration. */
const errorConstructor = /new <A extends Record<string, any> = \{\}>\(args: .*?\) => /g

export const withoutBoilerplate = (text: string): string => text.replaceAll(errorConstructor, "")

/**
 * The text of `src/index.ts`: each module as a namespace, except for modules that are loaded for their side effects, and for
 * those that need an optional peer dependency, which would fail to load without it.
 */
export const rootOf = (folder: string): string => {
  const { name, peerDependenciesMeta = {}, sideEffects } = manifest(folder)
  const optional = Object.keys(peerDependenciesMeta)
  const names = modulesOf(folder).filter((module) => !(sideEffects || []).includes(`./src/${module}.ts`))
  const included = names.filter((module) => !needs(`${folder}/src/${module}.ts`, optional))
  const rest = names.filter((module) => !included.includes(module))
  return [
    "/**",
    ` * The modules of \`${name}\`, as namespaces.`,
    " *",
    " * Import a module by its own path in programs that care for their start-up time and memory: this one loads them all.",
    ...(rest.length === 0 ? [] : [
      " *",
      ` * Not here, because it needs an optional peer dependency: ${
        rest.map((module) => `\`${name}/${module}\``).join(", ")
      }.`
    ]),
    " *",
    " * @since 0.1.0",
    " */",
    ...included.map((module) => `export * as ${basename(module)} from "./${module}.ts"`),
    ""
  ].join("\n")
}

/** Whether a module imports one of some packages, itself or by what it imports. */
const needs = (file: string, packages: ReadonlyArray<string>, seen = new Set<string>()): boolean => {
  if (seen.has(file)) return false
  seen.add(file)
  return importsOf(file, read(file)).filter((each) => !each.isType).some(({ specifier, target }) =>
    packages.includes(specifier) || (target !== specifier && needs(target, packages, seen))
  )
}

/** The files that follow from others, with the text that they should have. */
export const derived = (): ReadonlyArray<readonly [file: string, text: string]> =>
  readPackages().flatMap((each) => [
    [`${each.folder}/surface.txt`, surfaceOf(each)],
    [`${each.folder}/src/index.ts`, rootOf(each.folder)]
  ])

if (import.meta.main) {
  for (const [file, text] of derived()) {
    if (files(file).length > 0 && read(file) === text) continue
    writeFileSync(join(root, file), text)
    console.log(`wrote ${file}`)
  }
}
