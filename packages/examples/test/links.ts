/** The links in the documentation, and the headings that they can lead to. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { workspace } from "./snippets.ts"

/** A link, and where it is. */
export interface Link {
  readonly place: string
  readonly file: string
  readonly target: string
}

const read = (file: string): string => readFileSync(join(workspace, file), "utf8")

/** The lines of a page, those within blocks of code empty. */
const prose = (text: string): ReadonlyArray<string> => {
  let inCode = false
  return text.split("\n").map((line) => {
    const isFence = line.startsWith("```")
    if (isFence) inCode = !inCode
    return inCode || isFence ? "" : line
  })
}

/** The links and pictures of a page. */
export const linksOf = (file: string): ReadonlyArray<Link> =>
  prose(read(file)).flatMap((line, index) => {
    const text = line.replaceAll(/`[^`]*`/g, "")
    return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => ({
      place: `${file}:${index + 1}`,
      file,
      target
    }))
  })

/** Whether a link stays within the repository. */
export const isRelative = ({ target }: Link): boolean => !/^[a-z]+:/.test(target)

/** The anchors of a page: its headings as GitHub names them. */
export const anchorsOf = (file: string, text: string = read(file)): ReadonlyArray<string> => {
  const seen = new Map<string, number>()
  return prose(text).flatMap((line) => {
    const heading = /^#{1,6} (.*)$/.exec(line)?.[1]
    if (heading === undefined) return []
    const anchor = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-")
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return [count === 0 ? anchor : `${anchor}-${count}`]
  })
}
