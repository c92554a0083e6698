/** The code in docs/node.md. */
import { afterAll, describe, expect, it } from "vitest"
import { announced, Folder, snippetsOf } from "../../packages/examples/test/snippets.ts"

const snippets = snippetsOf("docs/node.md")
const folder = new Folder(snippets, "libraries")
afterAll(() => folder.remove())

describe("docs/node.md", () => {
  it("has the right types", async () => {
    expect(await folder.check()).toBe("")
  })

  // The others only define something.
  it.each(snippets.filter((snippet) => announced(snippet) !== ""))("$place prints what it says", async (snippet) => {
    expect(await folder.run(snippet)).toMatchObject({ code: 0, stdout: announced(snippet), stderr: "" })
  })
})
