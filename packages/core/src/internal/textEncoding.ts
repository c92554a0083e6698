import type { TextEncoding } from "../framing/Text.ts"

/** How text becomes bytes and back. */
export interface TextCodec {
  readonly name: TextEncoding
  /** The text of these bytes, or nothing if they are not valid. */
  decode(bytes: Uint8Array): string | undefined
  /** How many bytes the text takes, or -1 if it cannot be expressed. */
  byteLength(text: string): number
  /** Writes a text that can be expressed into `bytes`, which has room for it. Returns how many bytes it took. */
  write(text: string, bytes: Uint8Array, at: number): number
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const lossy = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true })
const encoder = new TextEncoder()

/** Up to this length a loop is faster than a call into the runtime. */
const loopLength = 48

/** The text of bytes that are all ASCII, if they are few; otherwise nothing. */
const shortAscii = (bytes: Uint8Array): string | undefined => {
  if (bytes.length > loopLength) return undefined
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

const writeUtf8 = (text: string, bytes: Uint8Array, at: number): number => {
  const length = text.length
  if (length <= loopLength) {
    let i = 0
    for (; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) break
      bytes[at + i] = unit
    }
    if (i === length) return length
  }
  return encoder.encodeInto(text, bytes.subarray(at)).written
}

const utf8: TextCodec = {
  name: "utf-8",
  decode: decodeUtf8,
  byteLength: (text) => text.isWellFormed() ? utf8Length(text) : -1,
  write: writeUtf8
}

const utf8Lossy: TextCodec = {
  ...utf8,
  name: "utf-8-lossy",
  decode: (bytes) => shortAscii(bytes) ?? lossy.decode(bytes)
}

/** One byte for each character up to `last`. */
const singleByte = (name: TextEncoding, last: number): TextCodec => ({
  name,
  decode: (bytes) => {
    if (last < 0xff) { for (let i = 0; i < bytes.length; i++) if (bytes[i]! > last) return undefined }
    let text = ""
    for (let i = 0; i < bytes.length; i += 4096) {
      text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as Array<number>)
    }
    return text
  },
  byteLength: (text) => {
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > last) return -1
    return text.length
  },
  write: (text, bytes, at) => {
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
    return text.length
  }
})

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
