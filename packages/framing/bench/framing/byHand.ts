/**
 * Each format decoded by the tightest loop for it alone, with its limit checked: what one would write by hand. A
 * truncated frame at the end is left to the caller, who can see it.
 */

/** Takes frames as they are found. */
export type OnFrame<Frame> = (frame: Frame) => void

const maxFrameLength = 1024 * 1024

const tooLong = (length: number) => new Error(`frame of ${length} bytes`)

/** 4 bytes of length, most significant first. */
export class Uint32Decoder {
  readonly #onFrame: OnFrame<Uint8Array>
  #length = 0
  #headerSize = 0
  #body: Uint8Array | undefined
  #filled = 0

  constructor(onFrame: OnFrame<Uint8Array>) {
    this.#onFrame = onFrame
  }

  feed(chunk: Uint8Array): void {
    const end = chunk.length
    const { buffer, byteOffset } = chunk
    let at = 0
    while (at < end) {
      if (this.#body === undefined) {
        if (this.#headerSize === 0 && end - at >= 4) {
          this.#length = ((chunk[at]! << 24) | (chunk[at + 1]! << 16) | (chunk[at + 2]! << 8) | chunk[at + 3]!) >>> 0
          at += 4
        } else {
          while (this.#headerSize < 4 && at < end) {
            this.#length = ((this.#length << 8) | chunk[at++]!) >>> 0
            this.#headerSize++
          }
          if (this.#headerSize < 4) return
          this.#headerSize = 0
        }
        const length = this.#length
        if (length > maxFrameLength) throw tooLong(length)
        if (end - at >= length) {
          this.#onFrame(new Uint8Array(buffer as ArrayBuffer, byteOffset + at, length))
          at += length
          this.#length = 0
          continue
        }
        this.#body = Buffer.allocUnsafe(length)
        this.#filled = 0
      }
      at = this.#fill(chunk, at, this.#body)
    }
  }

  #fill(chunk: Uint8Array, from: number, body: Uint8Array): number {
    const count = Math.min(body.length - this.#filled, chunk.length - from)
    if (count < 24) { for (let i = 0; i < count; i++) body[this.#filled + i] = chunk[from + i]! }
    else body.set(chunk.subarray(from, from + count), this.#filled)
    this.#filled += count
    if (this.#filled === body.length) {
      this.#body = undefined
      this.#length = 0
      this.#onFrame(body)
    }
    return from + count
  }
}

/** A base-128 varint of length. */
export class VarintDecoder {
  readonly #onFrame: OnFrame<Uint8Array>
  #length = 0
  #scale = 1
  #body: Uint8Array | undefined
  #filled = 0

  constructor(onFrame: OnFrame<Uint8Array>) {
    this.#onFrame = onFrame
  }

  feed(chunk: Uint8Array): void {
    const end = chunk.length
    const { buffer, byteOffset } = chunk
    let at = 0
    while (at < end) {
      if (this.#body === undefined) {
        const byte = chunk[at++]!
        this.#length += (byte & 0x7f) * this.#scale
        if (byte >= 0x80) {
          this.#scale *= 128
          if (this.#scale > 2 ** 32) throw tooLong(this.#length)
          continue
        }
        const length = this.#length
        if (length > maxFrameLength) throw tooLong(length)
        this.#length = 0
        this.#scale = 1
        if (end - at >= length) {
          this.#onFrame(new Uint8Array(buffer as ArrayBuffer, byteOffset + at, length))
          at += length
          continue
        }
        this.#body = Buffer.allocUnsafe(length)
        this.#filled = 0
        if (at === end) return
      }
      const body = this.#body
      const count = Math.min(body.length - this.#filled, end - at)
      if (count < 24) { for (let i = 0; i < count; i++) body[this.#filled + i] = chunk[at + i]! }
      else body.set(chunk.subarray(at, at + count), this.#filled)
      this.#filled += count
      at += count
      if (this.#filled === body.length) {
        this.#body = undefined
        this.#onFrame(body)
      }
    }
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Lines that end with LF or CR LF, in strict UTF-8: a chunk up to its last LF becomes text at once, and is split. */
export class LineDecoder {
  readonly #onFrame: OnFrame<string>
  #rest: Array<Uint8Array> = []
  #restLength = 0

  constructor(onFrame: OnFrame<string>) {
    this.#onFrame = onFrame
  }

  feed(chunk: Uint8Array): void {
    const last = chunk.lastIndexOf(10)
    if (last < 0) {
      this.#keep(chunk)
      return
    }
    let text: string
    if (this.#restLength === 0) {
      text = strict.decode(chunk.subarray(0, last))
    } else {
      this.#rest.push(chunk.subarray(0, last))
      text = strict.decode(this.#rest.length === 1 ? this.#rest[0]! : Buffer.concat(this.#rest))
      this.#rest = []
      this.#restLength = 0
    }
    for (const line of text.split("\n")) {
      if (line.length > maxFrameLength) throw tooLong(line.length)
      this.#onFrame(line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line)
    }
    if (last + 1 < chunk.length) this.#keep(chunk.subarray(last + 1))
  }

  #keep(piece: Uint8Array): void {
    this.#rest.push(piece)
    this.#restLength += piece.length
    if (this.#restLength > maxFrameLength + 1) throw tooLong(this.#restLength)
  }
}

/** Encodes a batch into one buffer; payloads of 2 KiB and more are passed on. */
export const encodeUint32 = (frames: ReadonlyArray<Uint8Array>): Array<Uint8Array> => {
  const buffers: Array<Uint8Array> = []
  let size = 0
  for (const frame of frames) size += frame.length < 2048 ? frame.length + 4 : 4
  const target = Buffer.allocUnsafe(size)
  let start = 0
  let at = 0
  for (const frame of frames) {
    const length = frame.length
    target[at] = length >>> 24
    target[at + 1] = length >>> 16
    target[at + 2] = length >>> 8
    target[at + 3] = length
    at += 4
    if (length >= 2048) {
      buffers.push(target.subarray(start, at), frame)
      start = at
    } else {
      if (length <= 24) { for (let i = 0; i < length; i++) target[at + i] = frame[i]! }
      else target.set(frame, at)
      at += length
    }
  }
  if (at > start) buffers.push(target.subarray(start, at))
  return buffers
}

/** The same with a base-128 varint. */
export const encodeVarint = (frames: ReadonlyArray<Uint8Array>): Array<Uint8Array> => {
  const buffers: Array<Uint8Array> = []
  let size = 0
  for (const frame of frames) size += frame.length < 2048 ? frame.length + 2 : 5
  const target = Buffer.allocUnsafe(size)
  let start = 0
  let at = 0
  for (const frame of frames) {
    const length = frame.length
    let rest = length
    for (; rest >= 128; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80
    target[at++] = rest
    if (length >= 2048) {
      buffers.push(target.subarray(start, at), frame)
      start = at
    } else {
      if (length <= 24) { for (let i = 0; i < length; i++) target[at + i] = frame[i]! }
      else target.set(frame, at)
      at += length
    }
  }
  if (at > start) buffers.push(target.subarray(start, at))
  return buffers
}

/** Joins a batch to one text. */
export const encodeLines = (lines: ReadonlyArray<string>): Array<Uint8Array> => {
  for (const line of lines) if (line.includes("\n")) throw new Error("a line holds an ending")
  return [Buffer.from(`${lines.join("\n")}\n`)]
}
