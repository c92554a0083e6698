import * as Pipeable from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import type { Block, BlockContent } from "./block.ts"
import type { Cursor, Stop } from "./cursor.ts"
import type { Line } from "./line.ts"
import { NumberForm } from "./number.ts"
import type { Plan } from "./plan.ts"
import type { Random } from "./random.ts"
import type { Writer } from "./writer.ts"

export const TypeId = "~@sluice/codec/Codec"

export type Read<A> = (cursor: Cursor) => A | Stop
export type Write<A> = (value: A, writer: Writer) => void

/** What a codec is made of. */
export interface Parts<A> {
  /** What the format is called in tables and errors. */
  readonly kind: string
  readonly read: Read<A>
  readonly write: Write<A>
  readonly sample: (random: Random) => A
  /** How few and how many bytes a value takes; bits count an eighth. */
  readonly least: number
  readonly most: number
  /** How many bytes a value takes, if that costs less than to write it. */
  readonly measure?: ((value: A) => number) | undefined
  /** Whether a read that stops can start over at little cost, and saves nothing. */
  readonly atomic?: boolean | undefined
  /** Whether it takes everything up to the end of its range. */
  readonly greedy?: boolean | undefined
  /** Whether a struct leaves it out of its value. */
  readonly hidden?: boolean | undefined
  /** The position in its byte at which it ends, or what is wrong, if it begins at this position. */
  readonly align?: ((bit: number) => number | string) | undefined
  // What common code does by itself, without a call. A codec that is derived from another has none of it.

  /** Set if the codec is a decimal number between a few bytes. */
  readonly line?: Line | undefined
  /** Set if the codec is one of the usual integers. */
  readonly form?: NumberForm | undefined
  /** Set if the codec is bytes or text up to the end of its range. */
  readonly content?: BlockContent | undefined
  /** Set if the codec is a length and that many bytes. */
  readonly block?: Block | undefined
  /** What a first byte means by itself, or -1 if the codec has to be asked. */
  readonly lead?: Int32Array | undefined

  /** The fields of a table. */
  readonly rows?: (() => ReadonlyArray<Row>) | undefined
  /** What makes the description unusable. */
  readonly problem?: string | undefined
  /** What a struct makes of it, if it is more than a field by itself. */
  readonly role?: Role | undefined
}

/** A row of a table: a field, one below it, or one of several forms. */
export interface Row {
  readonly name: string
  readonly size: string
  readonly kind: string
  readonly note: string
  readonly rows: ReadonlyArray<Row>
}

/** When a field ties itself: what replaces the functions of a field comes before what wraps them, and checksums are last. */
export type Stage = 0 | 1 | 2

/** What a codec is to the struct that it is a field of. */
export type Role =
  /** It tells of other fields, or is told of by them: it ties itself to them. */
  | { readonly _tag: "Link"; readonly stage: Stage; readonly tie: (plan: Plan, index: number) => void }
  /** Another field can tell whether it is there. */
  | { readonly _tag: "Optional"; readonly content: AnyCodec }
  /** Another field can tell how many there are. */
  | { readonly _tag: "Repeat"; readonly items: (cursor: Cursor, count: number) => ReadonlyArray<unknown> | Stop }

const byteAligned = (bit: number): number | string =>
  bit === 0 ? 0 : `begins ${bit} bits into a byte; pad the bits before it to a whole byte`

export class CodecValue<in out A> extends Pipeable.Class implements Parts<A> {
  readonly [TypeId] = TypeId
  declare readonly Type: A
  readonly kind: string
  readonly read: Read<A>
  readonly write: Write<A>
  readonly sample: (random: Random) => A
  readonly least: number
  readonly most: number
  readonly measure: ((value: A) => number) | undefined
  readonly atomic: boolean
  readonly greedy: boolean
  readonly hidden: boolean
  readonly align: (bit: number) => number | string
  readonly line: Line | undefined
  readonly form: NumberForm
  readonly content: BlockContent | undefined
  readonly block: Block | undefined
  readonly lead: Int32Array | undefined
  readonly rows: () => ReadonlyArray<Row>
  readonly problem: string | undefined
  readonly role: Role | undefined
  readonly title: string | undefined
  readonly note: string

  constructor(parts: Parts<A>, title?: string, note = "") {
    super()
    const { least, most } = parts
    this.kind = parts.kind
    this.read = parts.read
    this.write = parts.write
    this.sample = parts.sample
    this.least = least
    this.most = most
    this.measure = parts.measure ?? (least === most ? () => least : undefined)
    this.atomic = parts.atomic ?? false
    this.greedy = parts.greedy ?? false
    this.hidden = parts.hidden ?? false
    this.align = parts.align ?? byteAligned
    this.line = parts.line
    this.form = parts.form ?? NumberForm.none
    this.content = parts.content
    this.block = parts.block
    this.lead = parts.lead
    this.rows = parts.rows ?? (() => [])
    this.problem = parts.problem
    this.role = parts.role
    this.title = title
    this.note = note
  }
}

/** Any codec, where its type does not matter. */
// oxlint-disable-next-line typescript/no-explicit-any -- a codec is invariant in its type
export type AnyCodec = CodecValue<any>

export const isCodec = (value: unknown): value is AnyCodec => hasProperty(value, TypeId)

export const make = <A>(parts: Parts<A>): CodecValue<A> => new CodecValue(parts)

const notDerived = { line: undefined, form: undefined, content: undefined, block: undefined, lead: undefined }

/** A codec that a few parts make different from another. */
export const derive = <A, B = A>(codec: CodecValue<A>, parts: Partial<Parts<B>>): CodecValue<B> =>
  // The parts that A and B do not share are in `parts`, where the caller checks them.
  new CodecValue({ ...codec as unknown as Parts<B>, ...notDerived, ...parts }, codec.title, codec.note)

/** How the size of a codec reads in a table. */
export const sizeText = ({ least, most }: { readonly least: number; readonly most: number }): string => {
  const bits = least % 1 !== 0 || most % 1 !== 0
  if (least === most) {
    return bits ? `${least * 8} ${least * 8 === 1 ? "bit" : "bits"}` : `${least}`
  }
  return most === Infinity ? `${Math.ceil(least)}+` : `${Math.ceil(least)}–${Math.floor(most)}`
}
