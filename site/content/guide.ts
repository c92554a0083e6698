/** The pages of `docs/` and the documents of the project, as pages of the site. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { pageFrom, pageOf } from "./markdown.ts"
import { root, stage, staged } from "./paths.ts"

const project = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]

export interface Page {
  readonly file: string
  readonly name: string
  readonly title: string
}

/** The pages of the guide. */
export const pages = (): ReadonlyArray<Page> =>
  readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => ({
    file: `docs/${name}`,
    name: name.slice(0, -".md".length),
    title: titleOf(readFileSync(join(root, "docs", name), "utf8"))
  }))

const titleOf = (text: string) => /^# (.*)$/m.exec(text)?.[1]?.replaceAll("`", "") ?? "Sluice"

/** The first sentence of a page, for search engines. */
const descriptionOf = (text: string) =>
  (/\n\n([A-Z][\s\S]*?[.:])(\s|$)/.exec(text)?.[1] ?? "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(
    /[`\n]+/g,
    " "
  ).trim()

/** The block of TypeScript of a page that has some text. */
const blockOf = (file: string, text: string): string => {
  const blocks = readFileSync(join(root, file), "utf8").match(/^```ts\n[\s\S]*?^```$/gm) ?? []
  const found = blocks.find((block) => block.includes(text))
  if (found === undefined) throw new Error(`${file} has no code with ${text}`)
  return found
}

/** The first page shows code of the README and of the guide, which tests run. */
export const writeHome = (): void => {
  const text = readFileSync(join(root, "site/pages/index.md"), "utf8")
  stage(
    "index.md",
    text.replace("SERVER", () => blockOf("README.md", "NodeProgram.run"))
      .replace("TEST", () => blockOf("docs/getting-started.md", "Fault.partition"))
  )
}

export const writeGuide = (): void => {
  for (const file of [...pages().map((page) => page.file), ...project]) {
    const text = readFileSync(join(root, file), "utf8")
    const matter = `---\ntitle: ${JSON.stringify(titleOf(text))}\ndescription: ${
      JSON.stringify(descriptionOf(text))
    }\n---\n\n`
    stage(pageOf(file)!, matter + pageFrom(file, text))
  }
  for (const name of readdirSync(join(root, "docs")).filter((each) => /\.(svg|png)$/.test(each))) {
    const file = join(staged, "guide", name)
    mkdirSync(dirname(file), { recursive: true })
    copyFileSync(join(root, "docs", name), file)
  }
}
