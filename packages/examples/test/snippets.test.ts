import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { announced, files, Folder, isForever, isTest, snippetsOf } from "./snippets.ts"

// Those of docs/node.md need libraries, which `npm run test:libraries` installs.
const guides = files("*.md", "docs/*.md", "packages/*/*.md").filter((file) => file !== "docs/node.md").flatMap(
  snippetsOf
)
const comments = files("packages/*/src/**/*.ts").flatMap(snippetsOf)
const programs = guides.filter((snippet) => !isForever(snippet) && !isTest(snippet))

const folder = new Folder([...guides, ...comments])
beforeAll(() => folder.bundle(programs), 180_000)
afterAll(() => folder.remove())

describe("the code in the documentation", () => {
  it("is there", () => {
    expect(guides.length).toBeGreaterThan(5)
    expect(comments.length).toBeGreaterThan(20)
  })

  it("has the right types", async () => {
    expect(await folder.check()).toBe("")
  })

  it.each(programs)("$place prints what it says", async (snippet) => {
    expect(await folder.run(snippet)).toMatchObject({ code: 0, stdout: announced(snippet), stderr: "" })
  })

  it.each(guides.filter(isTest))("$place passes", async (snippet) => {
    expect(await folder.test(snippet)).toBe("")
  })
})
