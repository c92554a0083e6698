/** The built pages, as text to be checked. */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { base } from "../content/paths.ts"
import { dist, fileAt } from "../server.ts"

/** The pages of the site, by their paths in it. Without those that the build writes itself: source files and the report. */
export const pages = globSync("**/*.html", { cwd: dist })
  .filter((path) => path !== "404.html" && !path.startsWith("source/") && !path.startsWith("reports/"))
  .toSorted()

const cache = new Map<string, string>()

/** The HTML of a page without its scripts. */
export const htmlOf = (path: string): string => {
  const known = cache.get(path)
  if (known !== undefined) return known
  const html = readFileSync(join(dist, path), "utf8").replaceAll(/<script\b[\s\S]*?<\/script>/g, "")
  cache.set(path, html)
  return html
}

export const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(String.raw`\s${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll("&amp;", "&")

export const tags = (html: string, name: string): ReadonlyArray<string> =>
  html.match(new RegExp(String.raw`<${name}\b[^>]*>`, "g")) ?? []

const idsIn = new Map<string, ReadonlySet<string>>()

/** The anchors of a file. */
export const idsOf = (file: string): ReadonlySet<string> => {
  const known = idsIn.get(file)
  if (known !== undefined) return known
  const ids = new Set(Array.from(readFileSync(file, "utf8").matchAll(/\sid="([^"]*)"/g), ([, id = ""]) => id))
  idsIn.set(file, ids)
  return ids
}

/** Why a link of a page leads nowhere, or nothing. */
export const broken = (page: string, target: string): string | undefined => {
  if (/^(https?|mailto|data):/.test(target)) return undefined
  const { hash, pathname } = new URL(target, `http://localhost${base}${page}`)
  if (!pathname.startsWith(base)) return `${target} is outside of the site`
  const file = fileAt(pathname)
  if (file === undefined) return `${target}: no such page`
  const id = decodeURIComponent(hash.slice(1))
  return id === "" || idsOf(file).has(id) ? undefined : `${target}: no such anchor`
}
