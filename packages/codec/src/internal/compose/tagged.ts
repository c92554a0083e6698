import * as Result from "effect/Result"
import {
  type AnyCodec,
  type CodecValue,
  derive,
  make,
  type Read,
  type Row,
  sizeText,
  type Write
} from "../machine/codec.ts"
import { type Cursor, type Stop, stop } from "../machine/cursor.ts"
import type { Fields } from "../machine/plan.ts"
import type { Writer } from "../machine/writer.ts"
import { struct } from "./struct.ts"
import { transform } from "./transform.ts"

export type FieldCodecs = Readonly<Record<string, AnyCodec>>

/** Looks at the bytes of a form, which begin at `from`, when they have been written. */
export type Check = (writer: Writer, from: number) => void

/** One form of a tagged union. */
interface Case {
  readonly tag: string
  readonly value: unknown
  /** The discriminator, if it is a byte; otherwise -1. */
  readonly byte: number
  readonly check: Check | undefined
  readonly read: Read<Fields>
  readonly write: Write<Fields>
  readonly body: CodecValue<Fields>
}

interface Open {
  readonly tag: string
  readonly body: CodecValue<Fields>
  /** The discriminator, where it is part of the value. */
  readonly as: string | undefined
  readonly value: unknown
}

export interface Otherwise {
  readonly tag: string
  /** The field that has the discriminator. */
  readonly as: string
  readonly fields: FieldCodecs
}

/** A discriminator, then the fields of the form that it names. */
export const tagged = (
  discriminator: AnyCodec,
  cases: Readonly<Record<string, readonly [value: unknown, fields?: FieldCodecs | undefined]>>,
  otherwise: Otherwise | undefined,
  showValue: (value: unknown) => string = show,
  checks?: ReadonlyMap<string, Check>
): CodecValue<Fields> => {
  const all: ReadonlyArray<Case> = Object.entries(cases).map(([tag, [value, fields = {}]]) => {
    const body = struct(fields, { name: "_tag", value: tag })
    return {
      tag,
      value,
      body,
      read: body.read,
      write: body.write,
      byte: discriminator.lead?.findIndex((each) => each === value) ?? -1,
      check: checks?.get(tag)
    }
  })
  const other = otherwise === undefined
    ? undefined
    : { tag: otherwise.tag, body: struct(otherwise.fields, { name: "_tag", value: otherwise.tag }) }
  const byValue = new Map(all.map((each) => [each.value, each]))
  const byTag = new Map(all.map((each) => [each.tag, each]))
  const table: ReadonlyArray<Case | undefined> = Array.from({ length: 256 }, (_, i) => byValue.get(i))
  /** The forms whose discriminator is a byte by itself, by that byte. */
  const byByte: ReadonlyArray<Case | undefined> = Array.from(
    discriminator.lead ?? [],
    (value) => value < 0 ? undefined : byValue.get(value)
  )
  let last: Case | undefined
  const bodies = [...all.map(({ body }) => body), ...(other === undefined ? [] : [other.body])]

  /** How many bytes the discriminator of a form takes, at least. */
  const sizeOf = (i: number): number =>
    i < all.length && discriminator.measure !== undefined ? discriminator.measure(all[i]!.value) : discriminator.least

  const stopped = (c: Cursor, { body, tag, value }: Case): Stop => c.leave({ tag, body, as: undefined, value }, tag)

  const read = (c: Cursor): Fields | Stop => {
    let open: Open
    if (c.saved.length > 0) open = c.saved.pop() as Open
    else {
      const { at } = c
      const begun = at < c.end ? byByte[c.bytes[at]!] : undefined
      if (begun !== undefined) {
        c.at = at + 1
        const object = begun.read(c)
        return object === stop ? stopped(c, begun) : object
      }
      const value: unknown = discriminator.read(c)
      if (value === stop) return stop
      const found = typeof value === "number" && value < 256 ? table[value] : byValue.get(value)
      if (found !== undefined) {
        const object = found.read(c)
        return object === stop ? stopped(c, found) : object
      }
      if (other === undefined) return c.fail(`unknown ${discriminator.kind} ${show(value)}`, at)
      open = { tag: other.tag, body: other.body, as: otherwise!.as, value }
    }
    const object = open.body.read(c)
    if (object === stop) return c.leave(open, open.tag)
    if (open.as !== undefined) object[open.as] = open.value
    return object
  }

  return make<Fields>({
    kind: `one of ${all.map(({ tag }) => tag).join(", ")}`,
    least: Math.min(...bodies.map((body, i) => sizeOf(i) + body.least)),
    most: discriminator.most + Math.max(...bodies.map((body) => body.most)),
    greedy: bodies.some((body) => body.greedy),
    problem: discriminator.problem ?? problemOf(all, byValue, bodies, discriminator, otherwise),
    align: (bit) => alignment(discriminator, bodies, bit),
    measure: measureOf(discriminator, byTag, bodies),
    rows: () => [
      ...all.map(({ body, tag, value }) => row(tag, showValue(value), body)),
      ...(other === undefined ? [] : [row(other.tag, "any other", other.body)])
    ],
    read,
    write: (value, writer) => {
      const tag = value?.["_tag"] as string
      // Most values are of the kind that the last one was.
      const found = tag === last?.tag ? last : byTag.get(tag)
      if (found !== undefined) {
        last = found
        const { byte, check } = found
        const from = check === undefined ? 0 : writer.position
        if (byte < 0) discriminator.write(found.value, writer)
        else writer.bytes[writer.room(1)] = byte
        found.write(value, writer)
        if (writer.problem !== undefined) writer.path.push(tag)
        else check?.(writer, from)
      } else if (other !== undefined && tag === other.tag) {
        const code = value[otherwise!.as]
        if (byValue.has(code)) {
          return writer.fail(`${otherwise!.as} is ${show(code)}, which is ${byValue.get(code)!.tag}`)
        }
        discriminator.write(code, writer)
        other.body.write(value, writer)
      } else writer.fail(`unknown _tag ${show(tag)}`)
    },
    sample: (random) => {
      const i = random.below(bodies.length)
      const value = bodies[i]!.sample(random)
      if (i === all.length) {
        for (;;) {
          const code = discriminator.sample(random)
          if (byValue.has(code)) continue
          value[otherwise!.as] = code
          break
        }
      }
      return value
    }
  })
}

const row = (tag: string, value: string, body: AnyCodec): Row => ({
  name: tag,
  size: sizeText(body),
  kind: `if it is ${value}`,
  note: "",
  rows: body.rows()
})

const problemOf = (
  all: ReadonlyArray<Case>,
  byValue: ReadonlyMap<unknown, Case>,
  bodies: ReadonlyArray<AnyCodec>,
  discriminator: AnyCodec,
  otherwise: Otherwise | undefined
): string | undefined => {
  if (all.length === 0) return "a tagged union has at least one case"
  if (byValue.size < all.length) return "two cases have the same discriminator"
  if (!discriminator.atomic) return "the discriminator must be a number or a fixed text"
  if (otherwise !== undefined && all.some(({ tag }) => tag === otherwise.tag)) return `two cases are ${otherwise.tag}`
  const bad = bodies.find((body) => body.problem !== undefined)
  return bad === undefined ? undefined : `${all[bodies.indexOf(bad)]?.tag ?? otherwise?.tag}: ${bad.problem}`
}

const alignment = (discriminator: AnyCodec, bodies: ReadonlyArray<AnyCodec>, bit: number): number | string => {
  const begin = discriminator.align(bit)
  if (typeof begin === "string") return begin
  const ends = bodies.map((body) => body.align(begin))
  return ends.find((end) => typeof end === "string") ??
    (ends.every((end) => end === ends[0]) ? ends[0]! : "the cases end at different bits of a byte")
}

const measureOf = (
  discriminator: AnyCodec,
  byTag: ReadonlyMap<string, Case>,
  bodies: ReadonlyArray<AnyCodec>
) => {
  const { measure } = discriminator
  if (measure === undefined || bodies.some((body) => body.measure === undefined)) return undefined
  const sizes = new Map(Array.from(byTag, ([tag, { value }]) => [tag, measure(value)]))
  const rest = bodies[byTag.size]
  return (value: Fields): number => {
    const tag = value["_tag"] as string
    const body = byTag.get(tag)?.body ?? rest
    return (sizes.get(tag) ?? discriminator.least) + (body?.measure!(value) ?? 0)
  }
}

const show = (value: unknown): string => typeof value === "string" ? JSON.stringify(value) : String(value)

/** A codec for one of a few values, each as a name. */
export const enumeration = <A>(
  codec: CodecValue<A>,
  values: Readonly<Record<string, A>>
): CodecValue<string> => {
  const names = new Map(Object.entries(values).map(([name, value]) => [value, name]))
  const all = Object.keys(values)
  const { measure } = codec
  return derive<string>(
    transform<A, string>(
      codec,
      (value) => {
        const name = names.get(value)
        return name === undefined ? Result.fail(`unknown value ${show(value)}`) : Result.succeed(name)
      },
      (name) => Object.hasOwn(values, name) ? Result.succeed(values[name]!) : Result.fail(`unknown name ${show(name)}`)
    ),
    {
      kind: `${codec.kind}: ${Object.entries(values).map(([name, value]) => `${show(value)} ${name}`).join(", ")}`,
      problem: codec.problem ??
        (all.length > 0 && names.size === all.length ? undefined : "the values must be different, and at least one"),
      measure: measure === undefined ? undefined : (name) => Object.hasOwn(values, name) ? measure(values[name]!) : 0,
      sample: (random) => all[random.below(all.length)]!
    }
  )
}
