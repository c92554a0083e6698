/** Code in colors, as HTML that needs no script. */
import { createHighlighter, type ThemedToken } from "shiki"
import { escape } from "./escape.ts"
import { themes } from "./themes.ts"

const highlighter = await createHighlighter({
  themes: Object.values(themes),
  langs: ["typescript", "json", "markdown", "bash", "python"]
})

export type Language = "typescript" | "json" | "markdown" | "bash" | "python"

/** Lines of code, each as the HTML of its tokens. `link` returns the address to which a token links, if any. */
export const highlight = (
  code: string,
  lang: Language,
  link: (token: string, before: string) => string | undefined = () => undefined
): ReadonlyArray<string> => {
  const { tokens } = highlighter.codeToTokens(code, { lang, themes, defaultColor: false })
  return tokens.map((line) => {
    let before = ""
    return line.map((token) => {
      const html = spanOf(token, (word) => link(word, before))
      before += token.content
      return html
    }).join("")
  })
}

const spanOf = ({ content, htmlStyle }: ThemedToken, link: (word: string) => string | undefined): string => {
  const style = Object.entries(htmlStyle ?? {}).map(([name, value]) => `${name}:${value}`).join(";")
  const word = /^(\s*)(\w+)(\s*)$/.exec(content)
  const address = word === null ? undefined : link(word[2]!)
  const text = word === null || address === undefined
    ? escape(content)
    : `${word[1]}<a href="${address}">${word[2]}</a>${word[3]}`
  return style === "" ? text : `<span style="${style}">${text}</span>`
}
