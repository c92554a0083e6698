import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { root } from "../content/paths.ts"
import { attribute, broken, htmlOf, pages, tags } from "./pages.ts"

/** The faults of each page, as `page: fault`. */
const faults = (find: (html: string, page: string) => ReadonlyArray<string | undefined>) =>
  pages.flatMap((page) =>
    find(htmlOf(page), page).filter((fault) => fault !== undefined).map((fault) => `${page}: ${fault}`)
  )

describe("the pages of the site", () => {
  it("are there", () => {
    expect(pages).toEqual(expect.arrayContaining([
      "index.html",
      "guide/getting-started.html",
      "guide/cookbook.html",
      "reference/core/Server.html",
      "report.html"
    ]))
  })

  it("link to pages, anchors, pictures and source lines that exist", () => {
    expect(faults((html, page) =>
      [
        ...[...tags(html, "a"), ...tags(html, "link")].map((tag) => attribute(tag, "href")),
        ...[...tags(html, "img"), ...tags(html, "iframe")].map((tag) => attribute(tag, "src"))
      ].filter((target) => target !== undefined).map((target) => broken(page, target))
    )).toEqual([])
  })

  it("load nothing from another host", () => {
    expect(
      faults((html) =>
        [...tags(html, "img"), ...tags(html, "iframe"), ...tags(html, "link"), ...tags(html, "script")]
          .map((tag) => attribute(tag, "src") ?? attribute(tag, "href"))
          .filter((target) => target !== undefined && /^(https?:)?\/\//.test(target))
      )
    ).toEqual([])
  })

  it("describe their pictures", () => {
    expect(
      faults((html) => tags(html, "img").filter((tag) => attribute(tag, "alt") === undefined && !tag.includes(" alt")))
    ).toEqual([])
  })

  it("have one main heading, and headings that skip no level", () => {
    expect(faults((html) => {
      const levels = Array.from(html.matchAll(/<h([1-6])\b/g), ([, level]) => Number(level))
      const main = levels.filter((level) => level === 1).length
      const skipped = levels.findIndex((level, index) => level > (levels[index - 1] ?? level) + 1)
      return [
        main === 1 ? undefined : `${main} main headings`,
        skipped < 0 ? undefined : `heading ${skipped + 1} skips a level: ${levels.join(" ")}`
      ]
    })).toEqual([])
  })

  it("have a language, a title and a description", () => {
    expect(faults((html) => [
      html.includes("<html lang=\"en-US\"") ? undefined : "no language",
      /<title>[^<]+<\/title>/.test(html) ? undefined : "no title",
      /<meta name="description" content="[^"]+"/.test(html) ? undefined : "no description"
    ])).toEqual([])
  })
})

it("the code of the site has the right types", () => {
  const compiler = join(root, "node_modules/.bin/tsc")
  expect(spawnSync(compiler, ["--project", join(root, "site")], { encoding: "utf8" }).stdout).toBe("")
})
