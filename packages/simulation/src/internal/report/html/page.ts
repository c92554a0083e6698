import * as Base64 from "effect/encoding/Base64"
import type * as Trace from "../../../Trace.ts"
import { makePageData } from "./data.ts"
import { body } from "./markup.ts"
import type { HtmlOptions } from "./options.ts"
import { script } from "./script.ts"
import { sha256 } from "./sha256.ts"
import { style } from "./style.ts"

/** One HTML file, which asks no host for anything: its policy allows its own script and style alone. */
export const toHtml = (trace: Trace.Trace, options?: HtmlOptions): string => {
  const data = makePageData(trace, options)
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'"
  ].join("; ")
  // Text of peers is data: no `<` of it reaches the parser of HTML.
  const json = JSON.stringify(data).replace(/</g, "\\u003c")
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escape(data.title)}</title>
<style>${style}</style>
</head>
<body>
${body(data)}
<script type="application/json" id="data">${json}</script>
<script>${script}</script>
</body>
</html>
`
}

const encoder = new TextEncoder()

const hashOf = (text: string): string => `sha256-${Base64.encode(sha256(encoder.encode(text)))}`

const escape = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;")
