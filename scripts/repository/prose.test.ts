import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { files, read, root } from "./files.ts"
import { faults } from "./prose.ts"
import { style } from "./style.ts"

const own = ["scripts/repository/style.ts", "scripts/repository/prose.test.ts"]
const checked = files(
  "*.md",
  "docs/*.md",
  "packages/*/*.md",
  "packages/*/{src,test,bench}/**/*.ts",
  "scripts/**/*.{ts,mjs}",
  "libraries/**/*.{ts,mjs}",
  "template/**/*.{ts,md}",
  "site/*.ts",
  "site/{content,check,pages}/**/*.{ts,md}"
)
  .filter((file) => !own.includes(file))

describe("the prose of the repository", () => {
  it("does without the words of style.ts", () => {
    expect(checked.flatMap((file) => faults(file, read(file), style))).toEqual([])
  })

  it("is spelled as Americans do (a name or a term goes into words.txt)", () => {
    expect(spell()).toBe("")
  }, 300_000)
})

/** What the spell checker reports, as `file:line:column - message`. */
const spell = () => {
  const checker = join(root, "node_modules/cspell/bin.mjs")
  try {
    execFileSync(process.execPath, [checker, "lint", "--no-progress", "--no-summary", "--no-color", "--cache"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"]
    })
    return ""
  } catch (error) {
    const { stderr, stdout } = error as { readonly stdout: string; readonly stderr: string }
    return stdout === "" ? stderr : stdout
  }
}

describe("a banned word is reported", () => {
  const rules = [{ not: /\bunder\s+way\b/gi, but: "write in flight" }]

  it("in Markdown, but not in its code", () => {
    const text = "What is under\nway.\n\n```ts\n// under way\n```\n\nAnd `under way`. [Under way](under way)\n"
    expect(faults("docs/a.md", text, rules)).toEqual([
      "docs/a.md:1: \"under way\": write in flight",
      "docs/a.md:8: \"Under way\": write in flight",
      "docs/a.md:8: \"under way\": write in flight"
    ])
  })

  it("in comments, over the ends of lines, but not in their examples", () => {
    const text = [
      "/**",
      " * Those that are under",
      " * way.",
      " *",
      " * ```ts",
      " * const a = \"those under way now\"",
      " * ```",
      " */",
      "const a = 1 // under way"
    ].join("\n")
    expect(faults("a.ts", text, rules)).toEqual([
      "a.ts:2: \"under way\": write in flight",
      "a.ts:9: \"under way\": write in flight"
    ])
  })

  it("in messages, but not in names", () => {
    const text =
      "fail(`${count} frames are under way`)\nit(\"under way\", () => {})\nconst pattern = /\"/\nlog(\"all under way now\")"
    expect(faults("a.ts", text, rules)).toEqual([
      "a.ts:1: \"under way\": write in flight",
      "a.ts:4: \"under way\": write in flight"
    ])
  })

  it("by the rules of the project", () => {
    expect(faults("a.md", "Clients that cannot be let in are turned away.", style)).toEqual([
      "a.md:1: \"let in\": write accept",
      "a.md:1: \"turned away\": write reject"
    ])
  })
})
