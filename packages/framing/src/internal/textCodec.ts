import type { FramingOutput } from "../FramingOutput.ts"
import type { TextEncoding } from "../TextEncoding.ts"

/** How text becomes bytes and back. */
export interface TextCodec {
  readonly name: TextEncoding
  /** The text of these bytes, or nothing if they are not valid. */
  decode(bytes: Uint8Array): string | undefined
  /** The bytes of this text, or nothing if it cannot be expressed. */
  encode(text: string): Uint8Array | undefined
  /** Writes the bytes of this text, and returns how many there are; or -1, if it cannot be expressed. */
  write(text: string, output: FramingOutput): number
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const lossy = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true })
const encoder = new TextEncoder()

/** Up to these lengths a loop is faster than a call into the runtime. */
const decodeLoopLength = 16
const encodeLoopLength = 40

/** The text of bytes that are all ASCII, if they are few; otherwise nothing. */
const shortAscii = (bytes: Uint8Array): string | undefined => {
  if (bytes.length > decodeLoopLength) return undefined
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! > 0x7f) return undefined
  return String.fromCharCode.apply(null, bytes as unknown as Array<number>)
}

/** The text of valid UTF-8, or nothing. */
export const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  const short = shortAscii(bytes)
  if (short !== undefined) return short
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** How many bytes well-formed text takes in UTF-8. */
export const utf8Length = (text: string): number => {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) length += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return length
}

/** Up to this length it is better to make room for any text at once than to encode it apart and copy it. */
const inPlaceLength = 1024

const writeUtf8 = (text: string, output: FramingOutput): number => {
  const length = text.length
  if (length > inPlaceLength) {
    if (!text.isWellFormed()) return -1
    const encoded = encoder.encode(text)
    output.write(encoded)
    return encoded.length
  }
  const at = output.reserve(3 * length)
  const bytes = output.bytes
  if (length <= encodeLoopLength) {
    let i = 0
    for (; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) break
      bytes[at + i] = unit
    }
    if (i === length) {
      output.advance(length)
      return length
    }
  }
  if (!text.isWellFormed()) return -1
  const { written } = encoder.encodeInto(text, bytes.subarray(at))
  output.advance(written)
  return written
}

const utf8: TextCodec = {
  name: "utf-8",
  decode: decodeUtf8,
  encode: (text) => text.isWellFormed() ? encoder.encode(text) : undefined,
  write: writeUtf8
}

const utf8Lossy: TextCodec = {
  ...utf8,
  name: "utf-8-lossy",
  decode: (bytes) => shortAscii(bytes) ?? lossy.decode(bytes)
}

/** One byte for each character up to `last`. */
const singleByte = (name: TextEncoding, last: number): TextCodec => {
  const encode = (text: string): Uint8Array | undefined => {
    const bytes = new Uint8Array(text.length)
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > last) return undefined
      bytes[i] = unit
    }
    return bytes
  }
  return {
    name,
    decode: (bytes) => {
      if (last < 0xff) { for (let i = 0; i < bytes.length; i++) if (bytes[i]! > last) return undefined }
      let text = ""
      for (let i = 0; i < bytes.length; i += 4096) {
        text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as Array<number>)
      }
      return text
    },
    encode,
    write: (text, output) => {
      const bytes = encode(text)
      if (bytes === undefined) return -1
      output.write(bytes)
      return bytes.length
    }
  }
}

const codecs: Record<TextEncoding, TextCodec> = {
  "utf-8": utf8,
  "utf-8-lossy": utf8Lossy,
  "latin1": singleByte("latin1", 0xff),
  "ascii": singleByte("ascii", 0x7f)
}

export const textCodec = (encoding: TextEncoding): TextCodec | undefined =>
  Object.hasOwn(codecs, encoding) ? codecs[encoding] : undefined

export const unknownEncoding = (encoding: unknown): string =>
  `encoding is ${JSON.stringify(encoding)}; it must be one of ${Object.keys(codecs).join(", ")}`
