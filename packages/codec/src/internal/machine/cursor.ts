import { plural } from "./plural.ts"

/** The answer of a read that has no value: it needs more bytes, or `problem` says what is wrong. */
export const stop: unique symbol = Symbol.for("@sluice/codec/stop")

export type Stop = typeof stop

/** What is wrong with the bytes, and where. */
export type Problem =
  | { readonly _tag: "Corrupt"; readonly why: string; readonly at: number }
  | { readonly _tag: "TooLong"; readonly limit: number; readonly length: number; readonly at: number }

/** A field that `explain` found. */
export interface Visit {
  readonly path: string
  readonly from: number
  readonly to: number
  readonly value: unknown
}

const empty = new Uint8Array(0)

/**
 * Where the decoding of one frame stands.
 *
 * A read returns a value, or `stop`. When bytes are missing, each codec on the way out pushes what it has so far onto
 * `saved`, innermost first; when there are more bytes, the same codecs are called again and pop it, outermost first. So
 * no byte of a frame is read twice, except by codecs of a few bytes, which start over.
 */
export class Cursor {
  bytes: Uint8Array = empty
  at = 0
  /** How many bits of `bytes[at]` have been read. */
  bit = 0
  /** Where the bytes end that may be read now. */
  end = 0
  /** Whether no bytes come after `end`: it is the end of a range, or of the input. */
  bounded = false
  /** Where in `bytes` the innermost range with a length begins, or the frame. */
  base = 0
  /** Where in `bytes` the frame begins. */
  start = 0
  /** The place in the byte stream of `start`. */
  offset = 0
  /** How many bytes of the frame may be read at most, and by which limit. */
  cap: number
  limit: number
  /** How many bytes of the frame have to be there before it is worth going on. */
  wanted = 0
  problem: Problem | undefined = undefined
  /** The names of the fields around the problem, innermost first. */
  path: Array<string> = []
  saved: Array<unknown> = []
  /** What fields say about later fields of their struct: lengths, counts, presence, positions. */
  links: Array<number> = []
  linkBase = 0
  linkTop = 0
  /** The fields of the innermost struct that were read so far, where a condition asks for them. */
  scope: Readonly<Record<string, unknown>> | undefined = undefined
  /** How many lazy codecs are open. */
  depth = 0
  /** Where `explain` gathers what it finds, and under which names. */
  visits: Array<Visit> | undefined = undefined
  names: Array<string> = []
  /** Whether a read has stopped, or was thrown out of: what it changes, it puts back only when it succeeds. */
  isOpen = false
  /** How many bytes were looked at, for the tests of linear work. */
  steps = 0
  readonly frameLimit: number
  /** The bytes whose buffer and place in it are noted. */
  viewed: Uint8Array = empty
  buffer = empty.buffer as ArrayBuffer
  origin = 0

  constructor(limit: number) {
    this.frameLimit = this.cap = this.limit = limit
  }

  /** Stops for `n` bytes that are not all there, unless they will never come. */
  short(n: number): Stop {
    const wanted = this.at + n - this.start
    if (wanted > this.cap) return this.overrun(wanted)
    if (this.bounded) {
      const left = this.end - this.at
      return this.fail(`needs ${plural(n, "byte")}, but ${left} ${left === 1 ? "is" : "are"} left`)
    }
    this.wanted = wanted
    return stop
  }

  /** The frame, or the part of it under the innermost limit, takes at least `wanted` bytes of the frame. */
  overrun(wanted: number): Stop {
    const length = wanted - this.cap + this.limit
    this.problem = { _tag: "TooLong", limit: this.limit, length, at: this.at }
    return stop
  }

  /** The bytes break the rules of the format. */
  fail(why: string, at = this.at): Stop {
    this.problem = { _tag: "Corrupt", why, at }
    return stop
  }

  /** A number of bytes or elements is larger than allowed. */
  exceed(value: number | bigint, limit: number | bigint, at: number): Stop {
    this.problem = typeof value === "number" && typeof limit === "number"
      ? { _tag: "TooLong", limit, length: value, at }
      : { _tag: "Corrupt", why: `${value} exceeds limit ${limit}`, at }
    return stop
  }

  /** Keeps `state` if the read will resume, or notes the name of the field that failed. */
  leave(state: unknown, name: string | undefined): Stop {
    if (this.problem === undefined) this.saved.push(state)
    else if (name !== undefined) this.path.push(name)
    return stop
  }

  /** A view of `n` bytes. `subarray` costs more, and makes a Buffer of a part of a Buffer. */
  view(at: number, n: number): Uint8Array {
    if (this.viewed !== this.bytes) this.noteBuffer()
    return new Uint8Array(this.buffer, this.origin + at, n)
  }

  noteBuffer(): void {
    this.viewed = this.bytes
    this.buffer = this.bytes.buffer as ArrayBuffer
    this.origin = this.bytes.byteOffset
  }

  /** Forgets the frame: the next read begins a new one. */
  reset(): void {
    this.isOpen = false
    this.bit = 0
    this.problem = undefined
    this.cap = this.limit = this.frameLimit
    this.linkBase = this.linkTop = this.depth = 0
    this.scope = undefined
    if (this.path.length > 0) this.path = []
    if (this.saved.length > 0) this.saved = []
  }
}

/** The names of fields as a path: `packet.topics[0].name`. */
export const joinNames = (names: ReadonlyArray<string>): string => {
  let path = ""
  for (const name of names) path += path === "" || name.startsWith("[") ? name : `.${name}`
  return path
}
