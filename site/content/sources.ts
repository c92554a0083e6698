/** The source files that the reference and the guide link to: one page each, with an anchor for every line. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { escape } from "./escape.ts"
import { highlight, type Language } from "./highlight.ts"
import { base, root, stage } from "./paths.ts"

const style = `
:root { color-scheme: light; --back: #fff; --ink: #1b2733; --soft: #566573; --edge: #dbe3ea; --mark: #fff4c2; }
:root.dark { color-scheme: dark; --back: #10171e; --ink: #dfe7ee; --soft: #9aa9b7; --edge: #2b3844; --mark: #3a3413; }
body { margin: 0; background: var(--back); color: var(--ink); font: 13px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
header { position: sticky; top: 0; padding: 10px 20px; border-bottom: 1px solid var(--edge); background: var(--back); font: 14px/1.5 system-ui, sans-serif; }
h1 { display: inline; margin: 0 0 0 12px; font-size: 14px; overflow-wrap: anywhere; }
a { color: inherit; }
main { overflow-x: auto; padding: 12px 0 40vh; }
pre { margin: 0; width: max-content; min-width: 100%; font: inherit; }
pre span { color: var(--shiki-light); }
.dark pre span { color: var(--shiki-dark); }
.line { display: block; padding: 0 20px 0 0; scroll-margin-top: 64px; }
.line:target { background: var(--mark); }
.line > a { display: inline-block; width: 4.5em; padding-right: 1.2em; box-sizing: border-box; color: var(--soft); text-align: right; text-decoration: none; user-select: none; }
.line > a:hover, .line > a:focus-visible { color: var(--ink); text-decoration: underline; }
`

// The choice of the reader on the other pages of the site.
const script = `
const chosen = localStorage.getItem("vitepress-theme-appearance") || "auto"
const isDark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches)
document.documentElement.classList.toggle("dark", isDark)
`

const languages: Readonly<Record<string, Language>> = {
  ts: "typescript",
  mjs: "typescript",
  json: "json",
  md: "markdown"
}

const languageOf = (file: string): Language => languages[file.split(".").at(-1)!] ?? "bash"

/** Writes the page of a source file. */
export const writeSource = (file: string): void => {
  const code = readFileSync(join(root, file), "utf8").trimEnd()
  const lines = highlight(code, languageOf(file)).map((line, index) => {
    const number = index + 1
    return `<span class="line" id="L${number}"><a href="#L${number}" aria-label="line ${number}">${number}</a>${line}</span>`
  })
  stage(
    `public/source/${file}.html`,
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(file)} | Sluice</title>
<link rel="icon" href="${base}logo.svg" type="image/svg+xml">
<script>${script}</script>
<style>${style}</style>
</head>
<body>
<header><a href="${base}">Sluice</a> <h1>${escape(file)}</h1></header>
<main tabindex="0" aria-label="Source code"><pre>${lines.join("")}</pre></main>
</body>
</html>
`
  )
}

/** The line on which a file declares a name, from 1 up. */
export const lineOf = (file: string, name: string): number | undefined => {
  const lines = readFileSync(join(root, file), "utf8").split("\n")
  const declares = new RegExp(
    String.raw`^export (?:declare )?(?:abstract )?(?:const|class|interface|type|function|namespace) ${name}\b`
  )
  const lists = new RegExp(String.raw`^\s*(?:export )?(?:\{ )?.*\b${name}\b`)
  const index = lines.findIndex((line) => declares.test(line))
  if (index >= 0) return index + 1
  const listed = lines.findIndex((line) => lists.test(line) && !line.includes("import") && !/^\s*(\*|\/\/)/.test(line))
  return listed < 0 ? undefined : listed + 1
}
