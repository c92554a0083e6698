import type { AnyCodec } from "./codec.ts"
import type { Cursor } from "./cursor.ts"
import type { Writer } from "./writer.ts"

/** A struct while it is read or written: its fields by name. */
export type Fields = Record<string, unknown>
export type ReadField = (cursor: Cursor) => unknown
export type WriteField = (value: unknown, writer: Writer) => void
export type WriteObject = (value: Fields, writer: Writer) => void

/** How a struct reads and writes its fields, while those that tell of others tie themselves to them. */
export class Plan {
  readonly names: ReadonlyArray<string>
  readonly codecs: ReadonlyArray<AnyCodec>
  readonly reads: Array<ReadField>
  readonly writes: Array<WriteField>
  /** The fields whose `write` takes the whole object. */
  readonly whole = new Set<number>()
  /** The fields whose end is known, so that they can take all bytes up to it. */
  readonly ended = new Set<number>()
  /** Fills in the length of the rest when all fields are written. */
  finish: ((writer: Writer) => void) | undefined
  /** How many numbers are kept while the struct is read or written. */
  slots = 0
  /** The field that says how long the fields after it are, or -1. */
  rest = -1
  /** Whether a condition looks at the fields that were read. */
  isScoped = false
  problem: string | undefined

  constructor(names: ReadonlyArray<string>, codecs: ReadonlyArray<AnyCodec>) {
    this.names = names
    this.codecs = codecs
    this.reads = codecs.map((codec) => codec.read)
    this.writes = codecs.map((codec) => codec.write)
    for (const [i, codec] of codecs.entries()) if (codec.hidden) this.whole.add(i)
    for (const stage of [0, 1, 2]) {
      for (const [i, { role }] of codecs.entries()) {
        if (role?._tag === "Link" && role.stage === stage) role.tie(this, i)
      }
    }
    this.#checkGreedy()
  }

  fail(index: number, why: string): void {
    this.problem ??= `${this.names[index]}: ${why}`
  }

  /** The index of another field, which comes after this one. */
  after(index: number, name: string): number | undefined {
    const target = this.names.indexOf(name)
    if (target > index) return target
    this.fail(index, `there is no field ${JSON.stringify(name)} after it`)
    return undefined
  }

  writeWhole(index: number, write: WriteObject): void {
    this.whole.add(index)
    this.writes[index] = write as WriteField
  }

  /** Puts something around the write of a field, which keeps what it takes. */
  wrapWrite(index: number, around: (write: WriteField, value: unknown, writer: Writer) => void): void {
    const write = this.writes[index]!
    this.writes[index] = (value, writer) => around(write, value, writer)
  }

  get isGreedy(): boolean {
    const greedy = this.#greedy
    return greedy >= 0 && (this.rest < 0 || greedy < this.rest)
  }

  get #greedy(): number {
    return this.codecs.findIndex((codec, i) => codec.greedy && !this.ended.has(i))
  }

  #checkGreedy(): void {
    const greedy = this.#greedy
    if (greedy < 0) return
    const after = this.codecs.slice(greedy + 1)
    const areOptional = [this.codecs[greedy]!, ...after].every((codec) => codec.role?._tag === "Optional")
    if (after.some((codec) => codec.most > 0) && !areOptional) {
      this.fail(greedy, "it takes all bytes, so that the fields after it get none; give it a length")
    }
  }
}
