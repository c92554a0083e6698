/**
 * What the server says, a line each. People read it as it is, with any program that shows lines; programs parse it. Only
 * the server's own lines begin with `--` and `!!`, so nobody can speak in its name.
 */

/** Somebody says something to the room. */
export interface Said {
  readonly _tag: "Said"
  readonly name: string
  readonly text: string
}

/** Somebody does something, as `/me` has it. */
export interface Acted {
  readonly _tag: "Acted"
  readonly name: string
  readonly text: string
}

/** What is kept of a room. */
export type Spoken = Said | Acted

/** What somebody said before one came in; `at` is in milliseconds since 1970. */
export interface Past {
  readonly _tag: "Past"
  readonly at: number
  readonly spoken: Spoken
}

/** A private message, as it is shown to whom it is for. */
export interface Whispered {
  readonly _tag: "Whispered"
  readonly from: string
  readonly text: string
}

/** A private message, as it is shown to who sent it. */
export interface Sent {
  readonly _tag: "Sent"
  readonly to: string
  readonly text: string
}

/** What the server has to say. */
export interface Notice {
  readonly _tag: "Notice"
  readonly text: string
}

/** What the server does not do, and why. */
export interface Refusal {
  readonly _tag: "Refusal"
  readonly text: string
}

/** A line of the server. */
export type Line = Spoken | Past | Whispered | Sent | Notice | Refusal

/** Somebody says something. */
export const said = (name: string, text: string): Said => ({ _tag: "Said", name, text })

/** Somebody does something. */
export const acted = (name: string, text: string): Acted => ({ _tag: "Acted", name, text })

/** What somebody said earlier. */
export const past = (at: number, spoken: Spoken): Past => ({ _tag: "Past", at, spoken })

/** A private message from somebody. */
export const whispered = (from: string, text: string): Whispered => ({ _tag: "Whispered", from, text })

/** A private message to somebody. */
export const sent = (to: string, text: string): Sent => ({ _tag: "Sent", to, text })

/** What the server has to say. */
export const notice = (text: string): Notice => ({ _tag: "Notice", text })

/** What the server does not do, and why. */
export const refusal = (text: string): Refusal => ({ _tag: "Refusal", text })

/** A line as it is sent. */
export const format = (line: Line): string => {
  switch (line._tag) {
    case "Said":
      return `<${line.name}> ${line.text}`
    case "Acted":
      return `* ${line.name} ${line.text}`
    case "Past":
      return `[${new Date(line.at).toISOString().slice(0, 16).replace("T", " ")}] ${format(line.spoken)}`
    case "Whispered":
      return `[from ${line.from}] ${line.text}`
    case "Sent":
      return `[to ${line.to}] ${line.text}`
    case "Notice":
      return `-- ${line.text}`
    case "Refusal":
      return `!! ${line.text}`
  }
}

/** A line that was sent. One that no server of ours would send is a notice. */
export const parse = (text: string): Line => {
  const past = /^\[(\d{4}-\d\d-\d\d) (\d\d:\d\d)\] (.*)$/u.exec(text)
  if (past !== null) {
    const [, date, time, rest] = past
    const spoken = parseSpoken(rest!)
    const at = Date.parse(`${date}T${time}Z`)
    if (spoken !== undefined && !Number.isNaN(at)) return { _tag: "Past", at, spoken }
  }
  const [, way, name, message] = /^\[(from|to) (\S+)\] (.*)$/u.exec(text) ?? []
  if (way === "from") return whispered(name!, message!)
  if (way === "to") return sent(name!, message!)
  if (text.startsWith("!! ")) return refusal(text.slice(3))
  return parseSpoken(text) ?? notice(text.replace(/^-- /, ""))
}

const parseSpoken = (text: string): Spoken | undefined => {
  const [, speaker, words] = /^<(\S+)> (.*)$/u.exec(text) ?? []
  if (speaker !== undefined) return said(speaker, words!)
  const [, actor, deed] = /^\* (\S+) (.*)$/u.exec(text) ?? []
  return actor === undefined ? undefined : acted(actor, deed!)
}
