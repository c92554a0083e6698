/** Doc comments as Markdown. */

/** A doc comment without its frame. */
export const unframed = (comment: string): string =>
  comment.replace(/^\s*\/\*\*\s?/, "").replace(/\s*\*\/\s*$/, "").split("\n").map((line) =>
    line.replace(/^\s*\* ?/, "")
  )
    .join("\n").trim()

/** The tags of a doc comment, by name. */
export const tagsOf = (comment: string): ReadonlyMap<string, string> =>
  new Map(Array.from(comment.matchAll(/^@(\w+) +(.*)$/gm), ([, name = "", value = ""]) => [name, value.trim()]))

/** The Markdown of a doc comment, with links by a function from names to addresses. */
export const proseOf = (comment: string, addressOf: (name: string) => string | undefined): string =>
  comment.replaceAll(/^@\w+.*$/gm, "")
    .replaceAll(/\{@link ([^}\s]+)(?: [^}]*)?\}/g, (_, name: string) => {
      const address = addressOf(name)
      return address === undefined ? `\`${name}\`` : `[\`${name}\`](${address})`
    })
    .replaceAll(/\n{3,}/g, "\n\n").trim()

/** The comment at the head of a module. */
export const moduleComment = (source: string): string =>
  /^\/\*\*[\s\S]*?\*\//.exec(source.replace(/^(\/\/.*\n)+/, ""))?.[0] ?? ""
