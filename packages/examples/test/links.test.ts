import { describe, expect, it } from "@effect/vitest"
import { existsSync, statSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { anchorsOf, isRelative, linksOf } from "./links.ts"
import { files, workspace } from "./snippets.ts"

const guides = files("*.md", "docs/*.md")
const links = guides.flatMap((file) => linksOf(file).filter(isRelative))

describe("the links in the documentation", () => {
  it("are there", () => {
    expect(links.length).toBeGreaterThan(10)
  })

  it.each(links)("$place leads somewhere: $target", ({ file, target }) => {
    const [path = "", anchor] = target.split("#")
    const linked = path === "" ? file : relative(workspace, join(workspace, dirname(file), path))
    expect(existsSync(join(workspace, linked)), `there is no ${linked}`).toBe(true)
    if (anchor === undefined) return
    expect(linked).toMatch(/\.md$/)
    expect(anchorsOf(linked)).toContain(anchor)
  })

  it("reach every page of the guide from its first one", () => {
    const seen = new Set<string>()
    const visit = (file: string): void => {
      if (seen.has(file) || !existsSync(join(workspace, file)) || !statSync(join(workspace, file)).isFile()) return
      seen.add(file)
      if (!file.endsWith(".md")) return
      for (const { target } of linksOf(file).filter(isRelative)) {
        const [path = ""] = target.split("#")
        if (path !== "") visit(relative(workspace, join(workspace, dirname(file), path)))
      }
    }
    visit("README.md")
    expect(guides.filter((file) => !seen.has(file))).toEqual([])
  })

  it.each([
    ["Reading", "reading"],
    ["`AddressInUse`", "addressinuse"],
    ["What closes when, and why?", "what-closes-when-and-why"],
    ["A [link](x.md) and `code_here`", "a-link-and-code_here"]
  ])("know the anchor of the heading %s", (heading, anchor) => {
    expect(anchorsOf("heading.md", `# ${heading}`)).toEqual([anchor])
  })

  it("number the anchors of headings that are there twice", () => {
    expect(anchorsOf("twice.md", "## One\n\n## One\n\n```sh\n# no heading\n```\n")).toEqual(["one", "one-1"])
  })
})
