/** A page for each public module, from the declarations and the doc comments of the packages. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type Declaration, type Module, type Package, readPackages } from "../../scripts/repository/declarations.ts"
import { withoutBoilerplate } from "../../scripts/repository/surface.ts"
import { moduleComment, proseOf, tagsOf, unframed } from "./comment.ts"
import { highlight } from "./highlight.ts"
import { linkedSources, literal, sourcePage } from "./markdown.ts"
import { base, root, stage } from "./paths.ts"
import { lineOf } from "./sources.ts"

/** What the navigation shows of a package. */
export interface Contents {
  readonly name: string
  readonly modules: ReadonlyArray<{ readonly name: string; readonly path: string; readonly summary: string }>
}

const order = ["framing", "core", "client", "node", "codec", "proxy", "simulation", "conformance"]

const pathOf = ({ name }: Module) => `/reference/${name.slice("@sluice/".length)}`
const shortName = ({ name }: Module) => name.split("/").at(-1)!
const longName = ({ name }: Module) => name.split("/").slice(2).join("/")

/** Writes the pages and returns what is there, for the navigation. */
export const writeReference = (): ReadonlyArray<Contents> => {
  const packages = readPackages().toSorted((a, b) => rank(a) - rank(b))
  const modules = packages.flatMap((each) => each.modules)
  for (const module of modules) stage(`${pathOf(module)}.md`, pageOf(module, modules))
  const contents = packages.map((each): Contents => ({
    name: each.name,
    modules: each.modules.map((module) => ({
      name: longName(module),
      path: pathOf(module),
      summary: summaryOf(module)
    }))
  }))
  stage("reference/index.md", indexOf(contents, modules))
  return contents
}

const rank = ({ folder }: Package) => order.indexOf(folder.split("/")[1]!)

/** The first sentence of a module's comment. */
const summaryOf = (module: Module): string => {
  const comment = unframed(moduleComment(readFileSync(join(root, module.source), "utf8")))
  const first = /^[\s\S]*?[.:](?=\s|$)/.exec(proseOf(comment, () => undefined))?.[0] ?? ""
  return first.replaceAll(/\s+/g, " ").replace(/:$/, ".")
}

const indexOf = (contents: ReadonlyArray<Contents>, modules: ReadonlyArray<Module>): string => {
  const names = modules.reduce((sum, module) => sum + groupsOf(module).length, 0)
  return literal([
    "---\ntitle: Reference\naside: false\n---\n",
    "# Reference\n",
    `${modules.length} modules with ${names} public names, from the doc comments and declarations of the packages.\n`,
    ...contents.map(({ modules, name }) =>
      [
        `## ${name} {%#${name.split("/")[1]}%}\n`,
        "| module | contents |\n| --- | --- |",
        ...modules.map((module) =>
          `| [${module.name}](${module.path}.md) | ${module.summary.replaceAll("|", "\\|")} |`
        ),
        ""
      ].join("\n")
    )
  ].join("\n"))
}

interface Group {
  readonly name: string
  readonly declarations: ReadonlyArray<Declaration>
}

/** Exported declarations by name: a class and a type of one name are one entry. */
const groupsOf = ({ declarations }: Module): ReadonlyArray<Group> =>
  Array.from(
    Map.groupBy(declarations.filter((each) => each.isExported), ({ name }) => name),
    ([name, declarations]) => ({ name, declarations })
  )

const categoryOf = ({ declarations }: Group): string =>
  declarations.map(({ comment }) => tagsOf(unframed(comment)).get("category")).find((each) => each !== undefined) ??
    "other"

const pageOf = (module: Module, modules: ReadonlyArray<Module>): string => {
  const source = readFileSync(join(root, module.source), "utf8")
  const groups = groupsOf(module)
  const addressOf = addresses(module, groups, modules)
  const categories = Map.groupBy(groups, categoryOf)
  const comment = unframed(moduleComment(source))
  linkedSources.add(module.source)
  return [
    "---",
    `title: ${JSON.stringify(longName(module))}`,
    `description: ${JSON.stringify(summaryOf(module))}`,
    "outline: [2, 3]",
    "pageClass: reference",
    "---\n",
    `# ${longName(module)} {%#module%}\n`,
    codeBlock([`import * as ${shortName(module)} from "${module.name}"`]),
    literal(proseOf(comment, addressOf)),
    ...Array.from(categories, ([category, entries]) =>
      [
        `\n## ${capital(category)} {%#category-${category.replaceAll(/\W+/g, "-")}%}\n`,
        ...entries.map((group) => entryOf(group, addressOf))
      ].join("\n"))
  ].join("\n")
}

const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1)

const codeBlock = (lines: ReadonlyArray<string>) => ["```ts", ...lines, "```\n"].join("\n")

const entryOf = (group: Group, addressOf: (name: string) => string | undefined): string => {
  const documented = group.declarations.find(({ comment }) => comment !== "") ?? group.declarations[0]!
  const comment = unframed(documented.comment)
  const { source } = group.declarations.at(-1)!
  linkedSources.add(source)
  const since = tagsOf(comment).get("since")
  const notes = [
    ...(since === undefined ? [] : [`<span>since ${since}</span>`]),
    `<a href="${sourcePage(source, lineOf(source, group.name))}" target="_self">source</a>`
  ]
  return [
    `### ${group.name} {%#${group.name}%}\n`,
    signatureOf(group, addressOf),
    `<p class="facts">${notes.join(" ")}</p>\n`,
    literal(proseOf(comment, addressOf)),
    ""
  ].join("\n")
}

/** Signatures in colors, with links for the names of public types. */
const signatureOf = (group: Group, addressOf: (name: string) => string | undefined): string => {
  const code = group.declarations.map((each) => readable(each)).join("\n\n")
  const lines = highlight(code, "typescript", (word, before) => {
    const qualifier = /(\w+)\.$/.exec(before)?.[1]
    const address = qualifier === undefined ? addressOf(word) : addressOf(`${qualifier}.${word}`)
    if (address === undefined || address === `#${group.name}`) return undefined
    return address.startsWith("#") ? address : `${base.slice(0, -1)}${address.replace(/\.md(#|$)/, ".html$1")}`
  })
  return `<pre class="signature" tabindex="0" aria-label="Signature of ${group.name}" v-pre><code>${
    lines.join("&#10;")
  }</code></pre>\n`
}

/** The text of a declaration as in its source: indented by two spaces, and with the base class by name. */
const readable = ({ documented, name, source }: Declaration): string => {
  const baseClass = new RegExp(String.raw`class ${name}\b[^{]*? extends ([\w.]+\("[^"]*"\))`).exec(
    readFileSync(join(root, source), "utf8")
  )?.[1]
  const text = baseClass === undefined ? documented : documented.replace(`${name}_base`, baseClass)
  return withoutBoilerplate(text).replaceAll(/^( {4})+/gm, (indent) => indent.slice(indent.length / 2)).replace(
    /;$/,
    ""
  )
}

/** The address of a name in a doc comment: on this page, that of a module, or on the page of another module. */
const addresses = (module: Module, groups: ReadonlyArray<Group>, modules: ReadonlyArray<Module>) => {
  const own = new Set(groups.map(({ name }) => name))
  // Modules of two packages can have one name: that of the same package comes first.
  const nearest = (short: string) => {
    const all = modules.filter((each) => shortName(each) === short)
    return all.find((each) => each.name.split("/")[1] === module.name.split("/")[1]) ?? all[0]
  }
  return (name: string): string | undefined => {
    if (own.has(name)) return `#${name}`
    const [first = "", second] = name.split(".")
    if (second !== undefined && own.has(first)) return `#${first}`
    const other = nearest(first)
    if (other === undefined) return undefined
    if (second === undefined) return other === module ? undefined : `${pathOf(other)}.md`
    return groupsOf(other).some((group) => group.name === second) ? `${pathOf(other)}.md#${second}` : undefined
  }
}
