/** What Markdown of this repository needs to become a page of the site. */
import { existsSync, statSync } from "node:fs"
import { dirname, join, normalize, relative } from "node:path"
import { base, root } from "./paths.ts"
import { sequenceDiagram } from "./sequence.ts"

/** Files of the repository that pages link to, and that the site therefore shows. */
export const linkedSources = new Set<string>()

/** Applies a function to the parts of a text that are not code. */
export const outsideCode = (text: string, change: (prose: string) => string): string =>
  text.split(/(^```[\s\S]*?^```$|`[^`\n]*`)/m).map((part, index) => index % 2 === 0 ? change(part) : part).join("")

/** Text that the template compiler of the pages leaves as it is. */
export const literal = (text: string): string =>
  outsideCode(text, (prose) => prose.replaceAll(/<(?!br>|\/?kbd>)/g, "&lt;").replaceAll("{{", "{<!-- -->{"))

/** The address in the site of a page of the repository, or nothing. */
export const pageOf = (file: string): string | undefined => {
  if (file === "README.md") return "/index.md"
  if (file === "docs/README.md") return "/guide/index.md"
  if (file.startsWith("docs/") && file.endsWith(".md")) return `/guide/${file.slice("docs/".length)}`
  return /^[A-Z]+\.md$/.test(file) ? `/project/${file.toLowerCase()}` : undefined
}

const isFile = (file: string) => existsSync(join(root, file)) && statSync(join(root, file)).isFile()

/** A link on a page of the repository, as a link of the site. */
const linkFrom = (file: string) => (target: string): string => {
  if (/^[a-z]+:/.test(target) || target.startsWith("#")) return target
  const [path = "", anchor] = target.split("#")
  const linked = relative(".", normalize(join(dirname(file), path)))
  const page = pageOf(linked)
  if (page !== undefined) return anchor === undefined ? page : `${page}#${anchor}`
  if (!isFile(linked)) return target
  if (/\.(svg|png)$/.test(linked)) return path
  linkedSources.add(linked)
  return sourcePage(linked)
}

const sources = `${base}source/`

/** The address of the page that shows a source file. VitePress adds the base to addresses of its own pages only. */
export const sourcePage = (file: string, line?: number): string =>
  `${sources}${file}.html${line === undefined ? "" : `#L${line}`}`

/** A page of the repository as a page of the site. */
export const pageFrom = (file: string, text: string): string => {
  const link = linkFrom(file)
  const linked = text.split(/(^```[\s\S]*?^```$)/m).map((part, index) => {
    if (index % 2 === 1) return part.startsWith("```mermaid") ? sequenceDiagram(part) : part
    return part.replaceAll(/\]\(([^)\s]+)\)/g, (_, target: string) => {
      const to = link(target)
      return to.startsWith(sources) ? `](${to}){%target="_self"%}` : `](${to})`
    })
  }).join("")
  return literal(linked)
}
