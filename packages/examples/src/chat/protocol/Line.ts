/**
 * What the server says, a line each. People read it as it is, with any program that shows lines; programs parse it. Only
 * the server's own lines begin with `--` and `!!`, so nobody can speak in its name.
 */
import * as Data from "effect/Data"

/** A line of the server. */
export type Line = Data.TaggedEnum<{
  /** A member says something to the room. */
  Said: { readonly name: string; readonly text: string }
  /** A member does something, as `/me` has it. */
  Acted: { readonly name: string; readonly text: string }
  /** An earlier line, and when it was said, in milliseconds since 1970; text has the minutes, and not the room. */
  Past: { readonly at: number; readonly spoken: Spoken; readonly room?: string }
  /** A private message, as it is shown to its recipient; `at` if it was sent while they were away. */
  Whispered: { readonly from: string; readonly text: string; readonly at?: number }
  /** A private message, as it is shown to who sent it. */
  Sent: { readonly to: string; readonly text: string }
  Joined: { readonly name: string }
  Left: { readonly name: string; readonly why: string }
  Renamed: { readonly from: string; readonly to: string }
  /** Who is in the room; how many more there are than are named. */
  Present: { readonly room: string; readonly names: ReadonlyArray<string>; readonly more: number }
  /** The rooms, those with most people first, and how many more there are. */
  Rooms: { readonly rooms: ReadonlyArray<RoomSummary>; readonly more: number }
  /** What one is called from now on. */
  Called: { readonly name: string }
  /** How much one may send: `burst` lines at once, and then one every `refill` milliseconds. */
  Limits: { readonly burst: number; readonly refill: number }
  /** Asks whether one is there. */
  Ping: { readonly seconds: number }
  Pong: { readonly token: string }
  /** What else the server says. */
  Notice: { readonly text: string }
  /**
   * A request that the server rejects, and why. `taken`: the name that another member has. `wait`: milliseconds until the
   * server accepts a line again.
   */
  Refusal: { readonly text: string; readonly taken?: string; readonly wait?: number }
}>

/** A room as it is listed. */
export interface RoomSummary {
  readonly name: string
  readonly people: number
  /** When something was said last, in milliseconds since 1970, or 0 if unknown. Not in text. */
  readonly last: number
}

/** What is kept of a room. */
export type Spoken = Extract<Line, { readonly _tag: "Said" | "Acted" }>

/** What was said, and when. */
export type Past = Extract<Line, { readonly _tag: "Past" }>

export const {
  Acted,
  Called,
  Joined,
  Left,
  Limits,
  Notice,
  Past,
  Ping,
  Pong,
  Present,
  Refusal,
  Renamed,
  Rooms,
  Said,
  Sent,
  Whispered
} = Data.taggedEnum<Line>()

/** The refusal of a name that another member has. */
export const nameTaken = (name: string) => Refusal({ text: `the name ${name} is taken`, taken: name })

/** The refusal of a line that came too soon. */
export const tooFast = (wait: number) => Refusal({ text: `too fast, and so not sent: wait ${wait} ms`, wait })

interface Form<L> {
  readonly format: (line: L) => string
  readonly pattern: RegExp
  readonly parse: (...groups: Array<string>) => L | undefined
}

const minutesOf = (at: number): string => new Date(at).toISOString().slice(0, 16).replace("T", " ")
const timeOf = (minutes: string): number => Date.parse(`${minutes.replace(" ", "T")}Z`)

/** The text of each kind of line, and what it is read by; the first that fits is it. */
const forms: { readonly [Tag in Line["_tag"]]: Form<Extract<Line, { readonly _tag: Tag }>> } = {
  Said: {
    format: ({ name, text }) => `<${name}> ${text}`,
    pattern: /^<(\S+)> (.*)$/u,
    parse: (name, text) => Said({ name: name!, text: text! })
  },
  Acted: {
    format: ({ name, text }) => `* ${name} ${text}`,
    pattern: /^\* (\S+) (.*)$/u,
    parse: (name, text) => Acted({ name: name!, text: text! })
  },
  Past: {
    format: ({ at, spoken }) => `[${minutesOf(at)}] ${format(spoken)}`,
    pattern: /^\[(\d{4}-\d\d-\d\d \d\d:\d\d)\] (.*)$/u,
    parse: (minutes, text) => {
      const at = timeOf(minutes!)
      const spoken = parse(text!)
      return Number.isNaN(at) || !isSpoken(spoken) ? undefined : Past({ at, spoken })
    }
  },
  Whispered: {
    format: ({ at, from, text }) => `[from ${from}${at === undefined ? "" : ` at ${minutesOf(at)}`}] ${text}`,
    pattern: /^\[from (\S+)(?: at (\d{4}-\d\d-\d\d \d\d:\d\d))?\] (.*)$/u,
    parse: (from, minutes, text) => {
      const at = minutes === undefined ? undefined : timeOf(minutes)
      if (Number.isNaN(at)) return undefined
      return Whispered({ from: from!, text: text!, ...(at === undefined ? {} : { at }) })
    }
  },
  Sent: {
    format: ({ text, to }) => `[to ${to}] ${text}`,
    pattern: /^\[to (\S+)\] (.*)$/u,
    parse: (to, text) => Sent({ to: to!, text: text! })
  },
  Joined: {
    format: ({ name }) => `-- ${name} joined`,
    pattern: /^-- (\S+) joined$/u,
    parse: (name) => Joined({ name: name! })
  },
  Left: {
    format: ({ name, why }) => `-- ${name} left (${why})`,
    pattern: /^-- (\S+) left \((.*)\)$/u,
    parse: (name, why) => Left({ name: name!, why: why! })
  },
  Called: {
    format: ({ name }) => `-- you are now called ${name}`,
    pattern: /^-- you are now called (\S+)$/u,
    parse: (name) => Called({ name: name! })
  },
  Renamed: {
    format: ({ from, to }) => `-- ${from} is now called ${to}`,
    pattern: /^-- (\S+) is now called (\S+)$/u,
    parse: (from, to) => Renamed({ from: from!, to: to! })
  },
  Present: {
    format: ({ more, names, room }) => `-- in ${room}: ${names.join(", ")}${more > 0 ? `, and ${more} more` : ""}`,
    pattern: /^-- in (\S+): ([^\s,]+(?:, [^\s,]+)*)(?:, and (\d+) more)?$/u,
    parse: (room, names, more) => Present({ room: room!, names: names!.split(", "), more: Number(more ?? 0) })
  },
  Rooms: {
    format: ({ more, rooms }) =>
      `-- rooms: ${rooms.map(({ name, people }) => `${name} (${people})`).join(", ")}${
        more > 0 ? `, and ${more} more` : ""
      }`,
    pattern: /^-- rooms: ([^\s,]+ \(\d+\)(?:, [^\s,]+ \(\d+\))*)(?:, and (\d+) more)?$/u,
    parse: (rooms, more) =>
      Rooms({
        rooms: Array.from(rooms!.matchAll(/(\S+) \((\d+)\)/gu), ([, name, people]) => ({
          name: name!,
          people: Number(people),
          last: 0
        })),
        more: Number(more ?? 0)
      })
  },
  Limits: {
    format: ({ burst, refill }) => `-- ${burst} lines at once, and then one every ${refill} ms`,
    pattern: /^-- (\d{1,9}) lines at once, and then one every (\d{1,9}) ms$/u,
    parse: (burst, refill) => Limits({ burst: Number(burst), refill: Number(refill) })
  },
  Ping: {
    format: ({ seconds }) => `-- still there? say anything, such as /pong, within ${seconds} s`,
    pattern: /^-- still there\? say anything, such as \/pong, within (\d{1,9}(?:\.\d+)?) s$/u,
    parse: (seconds) => Ping({ seconds: Number(seconds) })
  },
  Pong: {
    format: ({ token }) => `-- pong ${token}`,
    pattern: /^-- pong (\S+)$/u,
    parse: (token) => Pong({ token: token! })
  },
  Notice: {
    format: ({ text }) => `-- ${text}`,
    pattern: /^(?:-- )?(.*)$/u,
    parse: (text) => Notice({ text: text! })
  },
  Refusal: {
    format: ({ text }) => `!! ${text}`,
    pattern: /^!! (.*)$/u,
    parse: (text) => {
      const [, taken] = /^the name (\S+) is taken$/u.exec(text!) ?? []
      const [, wait] = /^too fast, and so not sent: wait (\d{1,9}) ms$/.exec(text!) ?? []
      return taken !== undefined
        ? nameTaken(taken)
        : wait !== undefined
        ? tooFast(Number(wait))
        : Refusal({ text: text! })
    }
  }
}

/** Whether a line is of the kind that is kept. */
export const isSpoken = (line: Line): line is Spoken => line._tag === "Said" || line._tag === "Acted"

/** A line as it is sent. */
export const format = (line: Line): string => (forms[line._tag] as Form<Line>).format(line)

const { Notice: anything, ...particular } = forms
const inOrder = [...Object.values(particular), anything] as ReadonlyArray<Form<Line>>

/** A line that was sent. What no server of ours would send is a notice. */
export const parse = (text: string): Line => {
  for (const form of inOrder) {
    const match = form.pattern.exec(text)
    const line = match === null ? undefined : form.parse(...match.slice(1))
    if (line !== undefined) return line
  }
  return Notice({ text })
}
