/** Zone files: the master-file syntax of RFC 1035, section 5, with the `$TTL` of RFC 2308. */
import * as Codec from "@sluice/codec/Codec"
import * as Dns from "@sluice/codec/formats/Dns"
import * as SafeText from "@sluice/framing/SafeText"
import * as Data from "effect/Data"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

export type DnsRecord = Codec.Type<typeof Dns.record>

/** A record, and the line on which it begins. */
export interface Line {
  readonly line: number
  readonly record: DnsRecord
}

/** An invalid zone file. */
export class InvalidZone extends Data.TaggedError("InvalidZone")<{ readonly line: number; readonly why: string }> {
  override get message(): string {
    return `line ${this.line}: ${this.why}`
  }
}

// Thrown within this file, so that a field can be read in an expression.
class Wrong extends Data.Error<{ readonly why: string }> {}

const wrong = (why: string): never => {
  throw new Wrong({ why })
}

const shown = (text: string): string => `"${SafeText.escape(text, { limit: 80 })}"`

// ---------------------------------------------------------------------------------------------------------------------
// Entries: the words of a line, or of several in parentheses
// ---------------------------------------------------------------------------------------------------------------------

interface Entry {
  readonly line: number
  readonly hasOwner: boolean
  readonly words: ReadonlyArray<string>
}

// An end of line, a comment, space, a parenthesis, quoted text, or a word.
const token = /(\r?\n)|(;[^\n]*|[ \t]+)|([()])|"((?:[^"\\\n]|\\[^\n])*)"|((?:[^\s;()"\\]|\\[^\n])+)/y

const entriesOf = function*(text: string): Generator<Entry> {
  let [line, begun, open, hasOwner] = [1, 1, 0, true]
  let words: Array<string> = []
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at
    const [match, end, space, parenthesis, quoted, word] = token.exec(text) ?? []
    const isFirst = words.length === 0 && open === 0
    if (match === undefined) throw new InvalidZone({ line, why: `unexpected ${shown(text[at]!)}; close the quotes` })
    if (end !== undefined) {
      line++
      if (open > 0) continue
      if (words.length > 0) yield { line: begun, hasOwner, words }
      words = []
      hasOwner = true
      continue
    }
    if (isFirst) begun = line
    if (space !== undefined) {
      if (isFirst && !space.startsWith(";")) hasOwner = false
    } else if (parenthesis !== undefined) {
      open += parenthesis === "(" ? 1 : -1
      if (open < 0) throw new InvalidZone({ line, why: "unexpected \")\"; remove it" })
    } else words.push(quoted ?? word!)
  }
  if (open > 0) throw new InvalidZone({ line: begun, why: "a parenthesis is open at the end of the file; close it" })
  if (words.length > 0) yield { line: begun, hasOwner, words }
}

// ---------------------------------------------------------------------------------------------------------------------
// Values
// ---------------------------------------------------------------------------------------------------------------------

const escape = /\\(\d{3})|\\([^])|([^\\]+)/g

const characterOf = (digits: string): string =>
  Number(digits) <= 255 ? String.fromCharCode(Number(digits)) : wrong(`\\${digits} is not a byte; use \\000 to \\255`)

/** An absolute name in the codec's notation. */
const nameOf = (text: string, origin: string | undefined): string => {
  if (text === "@") return origin ?? wrong("there is no origin for \"@\"; begin the file with $ORIGIN")
  const name = text.replace(escape, (_, digits?: string, single?: string, plain?: string) => {
    const character = digits === undefined ? single : characterOf(digits)
    return plain ?? (character === "." || character === "\\" ? `\\${character}` : character!)
  })
  if (name === ".") return ""
  const isAbsolute = name.endsWith(".") && /(?:^|[^\\])(?:\\\\)*\.$/.test(name)
  if (isAbsolute) return name.slice(0, -1)
  if (origin === undefined) {
    return wrong(`${shown(text)} is relative; begin the file with $ORIGIN, or end the name with a dot`)
  }
  return origin === "" ? name : `${name}.${origin}`
}

const encoder = new TextEncoder()

const bytesOf = (text: string): Uint8Array => {
  const bytes = Array.from(
    text.matchAll(escape),
    ([, digits, single, plain]) =>
      digits === undefined ? [...encoder.encode(single ?? plain)] : [characterOf(digits).charCodeAt(0)]
  ).flat()
  return bytes.length <= 255
    ? Uint8Array.from(bytes)
    : wrong(`a text has ${bytes.length} bytes; split it into texts of at most 255`)
}

const number = (text: string, most: number): number =>
  /^\d{1,10}$/.test(text) && Number(text) <= most
    ? Number(text)
    : wrong(`${shown(text)} is not a number from 0 to ${most}`)

const units: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
const time = /^(?=\d)(?:\d+(?:s|m|h|d|w))*\d*$/i

/** A time in seconds, or in BIND's notation: `1h30m`. */
const seconds = (text: string): number => {
  const total = time.test(text)
    ? Array.from(text.toLowerCase().matchAll(/(\d+)((?:s|m|h|d|w)?)/g), ([, n, unit]) => Number(n) * units[unit!]!)
      .reduce((a, b) => a + b)
    : -1
  return total >= 0 && total < 2 ** 31 ? total : wrong(`${shown(text)} is not a time, such as 3600 or 1h`)
}

/** Reads an address of a kind, as its bytes. */
const address = <A>(
  kind: string,
  parse: (text: string) => Result.Result<A, unknown>,
  octets: (address: A) => Iterable<number>
) =>
(text: string): Uint8Array =>
  Result.match(parse(text), {
    onFailure: () => wrong(`${shown(text)} is not an ${kind} address`),
    onSuccess: (address) => Uint8Array.from(octets(address))
  })

const ipv4 = address("IPv4", NetAddress.ipv4FromString, NetAddress.ipv4ToOctets)
const ipv6 = address("IPv6", NetAddress.ipv6FromString, NetAddress.ipv6ToOctets)

type Form = DnsRecord["data"] extends infer D ? D extends { readonly class: number } ? Omit<D, "class" | "ttl"> : never
  : never

/** For each type, the number of values, and a function from the values to the data. */
const forms: Readonly<Record<string, readonly [count: number, (values: ReadonlyArray<string>, name: Name) => Form]>> = {
  A: [1, ([address]) => ({ _tag: "A", address: ipv4(address!) })],
  AAAA: [1, ([address]) => ({ _tag: "AAAA", address: ipv6(address!) })],
  NS: [1, ([target], name) => ({ _tag: "NS", name: name(target!) })],
  CNAME: [1, ([target], name) => ({ _tag: "CNAME", name: name(target!) })],
  PTR: [1, ([target], name) => ({ _tag: "PTR", name: name(target!) })],
  MX: [2, ([preference, exchange], name) => ({
    _tag: "MX",
    preference: number(preference!, 65_535),
    exchange: name(exchange!)
  })],
  SRV: [4, ([priority, weight, port, target], name) => ({
    _tag: "SRV",
    priority: number(priority!, 65_535),
    weight: number(weight!, 65_535),
    port: number(port!, 65_535),
    target: name(target!)
  })],
  SOA: [7, ([primary, mailbox, serial, refresh, retry, expire, minimum], name) => ({
    _tag: "SOA",
    primary: name(primary!),
    mailbox: name(mailbox!),
    serial: number(serial!, 2 ** 32 - 1),
    refresh: seconds(refresh!),
    retry: seconds(retry!),
    expire: seconds(expire!),
    minimum: seconds(minimum!)
  })],
  TXT: [Infinity, (texts) => ({ _tag: "TXT", text: texts.map(bytesOf) })]
}

type Name = (text: string) => string

// ---------------------------------------------------------------------------------------------------------------------
// The file
// ---------------------------------------------------------------------------------------------------------------------

/** Parses the records of a zone file, up to the first error. */
export const parse = (text: string): Result.Result<ReadonlyArray<Line>, InvalidZone> => {
  let origin: string | undefined
  let owner: string | undefined
  let ttl: number | undefined
  let lastTtl: number | undefined
  const name: Name = (text) => nameOf(text, origin)

  const recordOf = ({ hasOwner, words: [...words] }: Entry): DnsRecord => {
    if (hasOwner) owner = name(words.shift()!)
    const own: string = owner ?? wrong("the first record has no owner; begin the line with a name")
    let given: number | undefined
    while (words.length > 1 && (time.test(words[0]!) || /^(?:IN|CH|HS|CS)$/i.test(words[0]!))) {
      const word = words.shift()!
      if (time.test(word)) given = seconds(word)
      else if (!/^IN$/i.test(word)) wrong(`the class is ${word}; only IN is served`)
    }
    const type = words.shift()?.toUpperCase() ?? wrong("there is no type behind the name")
    const [count, form] = Object.hasOwn(forms, type)
      ? forms[type]!
      : wrong(`the type is ${shown(type)}; use ${Object.keys(forms).join(", ")}`)
    if (count === Infinity ? words.length === 0 : words.length !== count) {
      return wrong(`${type} has ${words.length} values, not ${count === Infinity ? "1 or more" : count}`)
    }
    const data = form(words, name)
    lastTtl = given ?? ttl ?? lastTtl ?? (data._tag === "SOA" ? data.minimum : undefined) ??
      wrong("there is no TTL; begin the file with $TTL")
    const record: DnsRecord = { name: own, data: { ...data, class: 1, ttl: lastTtl } }
    const encoded = Codec.encode(Dns.record, record)
    if (Result.isSuccess(encoded)) return record
    const { reason } = encoded.failure
    return wrong("why" in reason ? reason.why : encoded.failure.message)
  }

  const records: Array<Line> = []
  let line = 1
  try {
    for (const entry of entriesOf(text)) {
      line = entry.line
      const [first, value, ...more] = entry.words
      if (!entry.hasOwner || !first!.startsWith("$")) records.push({ line, record: recordOf(entry) })
      else if (value === undefined || more.length > 0) wrong(`${shown(first!)} takes one value`)
      else if (/^\$ORIGIN$/i.test(first!)) origin = name(value)
      else if (/^\$TTL$/i.test(first!)) ttl = seconds(value)
      else wrong(`${shown(first!)} is not supported; use $ORIGIN or $TTL`)
    }
    return Result.succeed(records)
  } catch (error) {
    if (error instanceof InvalidZone) return Result.fail(error)
    if (error instanceof Wrong) return Result.fail(new InvalidZone({ line, why: error.why }))
    throw error
  }
}
