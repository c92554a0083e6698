import type * as Trace from "../../../Trace.ts"
import type { Difference } from "../firstDifference.ts"
import { toText } from "../trace/text.ts"

// Records shown before and after the first that differs, and bytes of a payload.
const shown = 40
const shownBytes = 512

type Runs = readonly [first: Trace.Trace, second: Trace.Trace]

/** A page without a script: the records of two runs side by side, around the first that differs. */
export const toDifferenceHtml = (title: string, runs: Runs, difference: Difference): string => {
  const { first, record, second } = difference
  const at = record ?? Math.max(...runs.map(({ dropped, records }) => dropped + records.length)) + 1
  const numbers = Array.from({ length: 2 * shown + 1 }, (_, index) => at - shown + index)
  const rows = numbers.filter((number) => runs.some((run) => recordOf(run, number) !== undefined)).map((number) =>
    number === record
      ? row(String(number), [withBytes(first, runs, 0, number), withBytes(second, runs, 1, number)])
      : row(String(number), [lineOf(runs[0], number), lineOf(runs[1], number)])
  )
  if (record === undefined) rows.push(row("end", [escape(first), escape(second)]))
  const where = record === undefined
    ? "The records are the same; the ends differ."
    : `Record ${record} is the first that differs.`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p>${where} <a href="#first">Go to it.</a></p>
<table>
<thead><tr><th scope="col">Record</th><th scope="col">First run</th><th scope="col">Second run</th></tr></thead>
<tbody>
${rows.join("\n").replace("<tr class=\"differs\"", "<tr id=\"first\" class=\"differs\"")}
</tbody>
</table>
</body>
</html>
`
}

const recordOf = ({ dropped, records }: Trace.Trace, number: number): Trace.Record | undefined =>
  records[number - 1 - dropped]

const lineOf = (run: Trace.Trace, number: number): string => {
  const record = recordOf(run, number)
  return record === undefined ? "" : escape(toText({ records: [record], dropped: 0, hosts: [], hash: "" }))
}

const row = (name: string, [first, second]: readonly [string, string]): string =>
  `<tr${
    first === second ? "" : " class=\"differs\""
  }><th scope="row">${name}</th><td>${first}</td><td>${second}</td></tr>`

// ---------------------------------------------------------------------------------------------------------------------
// Bytes
// ---------------------------------------------------------------------------------------------------------------------

const withBytes = (line: string, runs: Runs, run: 0 | 1, number: number): string => {
  const [own, other] = [payloadOf(runs[run], number), payloadOf(runs[1 - run]!, number)]
  if (own.length === 0) return escape(line)
  const bytes = Array.from(own.subarray(0, shownBytes), (byte, index) => {
    const hex = byte.toString(16).padStart(2, "0")
    return byte === other[index] ? hex : `<mark>${hex}</mark>`
  })
  const more = own.length > shownBytes ? ` … ${own.length - shownBytes} more` : ""
  return `${escape(line)}<pre>${bytes.join(" ")}${more}</pre>`
}

const payloadOf = (run: Trace.Trace, number: number): Uint8Array => {
  const record = recordOf(run, number)
  return record !== undefined && "payload" in record ? record.payload : new Uint8Array()
}

const escape = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;")

const style = `
:root { color-scheme: light dark; --bad: #b3131d; --bad-back: #ffebe9; --edge: #d1d9e0; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a82; --bad-back: #4a1215; --edge: #3d444d; } }
body { margin: 12px 16px; font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 18px; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { border: 1px solid var(--edge); padding: 2px 6px; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th:first-child { width: 5em; }
td { font: 12px/1.4 ui-monospace, monospace; }
pre { white-space: pre-wrap; margin: 4px 0 0; }
.differs { background: var(--bad-back); }
mark { background: none; color: var(--bad); font-weight: bold; }
`
