import { CorruptRecord, NotTls } from "@sluice/core/TlsReason"
import * as Chunks from "@sluice/framing/Chunks"
import * as Bytes from "effect/Bytes"
import { checksum } from "../handshake/digest.ts"
import { Refusal, violation } from "../refusal.ts"

/** What a record holds (RFC 8446, section 5.1). */
export type ContentType = typeof alert | typeof handshake | typeof applicationData

export const alert = 21
export const handshake = 22
export const applicationData = 23

export interface TlsRecord {
  readonly type: ContentType
  readonly fragment: Uint8Array
}

/** The length of what is before a fragment, in bytes. */
export const headerLength = 5
/** What fits into a record, in bytes. */
export const fragmentLimit = 16_384
/** What is behind application data, in place of the tag that authenticates it (RFC 5116). */
export const tagLength = 16
const recordLimit = fragmentLimit + 256

const makeRecord = (type: ContentType, length: number): Uint8Array => {
  const record = new Uint8Array(headerLength + length)
  record[0] = type
  // What records say since TLS 1.2, whatever the version.
  record[1] = 3
  record[2] = 3
  record[3] = length >> 8
  record[4] = length
  return record
}

/** Writes records of handshake messages, or of an alert. */
export const encodeRecords = (type: typeof alert | typeof handshake, content: Uint8Array): Array<Uint8Array> => {
  const records: Array<Uint8Array> = []
  for (let offset = 0; offset < content.length; offset += fragmentLimit) {
    const fragment = content.subarray(offset, offset + fragmentLimit)
    const record = makeRecord(type, fragment.length)
    record.set(fragment, headerLength)
    records.push(record)
  }
  return records
}

/** Writes and opens the records of application data in one direction: each has its place, and is known by its tag. */
export class Protection {
  #sequence = 0

  #tag(fragment: Uint8Array): Uint8Array {
    return checksum(this.#sequence++, fragment)
  }

  /** Writes chunks as records, each as full as can be. */
  seal(chunks: ReadonlyArray<Uint8Array>): Array<Uint8Array> {
    const records: Array<Uint8Array> = []
    const source = { chunks, index: 0, offset: 0 }
    for (let left = Chunks.byteLength(chunks); left > 0;) {
      const length = Math.min(left, fragmentLimit)
      const record = makeRecord(applicationData, length + tagLength)
      const fragment = record.subarray(headerLength, headerLength + length)
      fill(fragment, source)
      record.set(this.#tag(fragment), headerLength + length)
      records.push(record)
      left -= length
    }
    return records
  }

  /** What is in a record, if nobody has touched it. */
  open(sealed: Uint8Array): Uint8Array {
    const length = sealed.length - tagLength
    if (length >= 0) {
      const fragment = sealed.subarray(0, length)
      const tag = this.#tag(fragment)
      if (sealed.subarray(length).every((byte, index) => byte === tag[index])) return fragment
    }
    throw violation("bad_record_mac", "a record was changed on its way")
  }
}

interface Source {
  readonly chunks: ReadonlyArray<Uint8Array>
  index: number
  offset: number
}

const fill = (target: Uint8Array, source: Source): void => {
  for (let filled = 0; filled < target.length;) {
    const chunk = source.chunks[source.index]!
    const part = chunk.subarray(source.offset, source.offset + target.length - filled)
    target.set(part, filled)
    filled += part.length
    source.offset += part.length
    if (source.offset === chunk.length) {
      source.index++
      source.offset = 0
    }
  }
}

const mostChunks = 16

/** Cuts what comes into records. The first bad byte of a header is found, wherever the input is split. */
export class RecordReader {
  readonly #chunks: Array<Uint8Array> = []
  #available = 0
  #hasRead = false

  /** Takes bytes, which are not changed from then on. */
  feed(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#available += chunk.length
  }

  /** Makes what is left of the last chunk, which was only lent, its own. */
  keepLast(copy: (chunk: Uint8Array) => Uint8Array): void {
    const chunks = this.#chunks
    const last = chunks.length - 1
    if (last >= 0) chunks[last] = copy(chunks[last]!)
    // A peer that sends byte by byte must not cost an array for each.
    if (last >= mostChunks) chunks.splice(0, chunks.length, Bytes.concat(chunks))
  }

  /** The next record that has come whole. Throws a `Refusal`. */
  next(): TlsRecord | undefined {
    const type = this.#peek(0)
    const major = this.#peek(1)
    if (type !== undefined && (type < alert || type > applicationData)) {
      throw this.#garbage()
    }
    if (major !== undefined && major !== 3) throw this.#garbage()
    if (this.#available < headerLength) return undefined
    const length = this.#peek(3)! << 8 | this.#peek(4)!
    if (length > recordLimit) throw violation("record_overflow", `a record is ${length} bytes long`)
    if (this.#available < headerLength + length) return undefined
    this.#hasRead = true
    this.#available -= headerLength + length
    const record = Chunks.takeFrom(this.#chunks, headerLength + length)
    return { type: type as ContentType, fragment: record.subarray(headerLength) }
  }

  #garbage(): Refusal {
    return this.#hasRead
      ? new Refusal(new CorruptRecord({ code: "unexpected_message" }), "unexpected_message")
      : new Refusal(new NotTls(), "protocol_version")
  }

  #peek(index: number): number | undefined {
    let at = index
    for (const chunk of this.#chunks) {
      if (at < chunk.length) return chunk[at]
      at -= chunk.length
    }
    return undefined
  }
}
