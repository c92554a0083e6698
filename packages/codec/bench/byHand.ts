/**
 * Decoders and encoders of a few formats as one writes them by hand, for these formats alone: the same values, with the
 * same checks of lengths and of UTF-8. `decode` returns the values of whole frames at the front and where they end.
 */

export interface Decoded<A> {
  readonly values: Array<A>
  readonly end: number
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const maxLength = 1024 * 1024

const view = (bytes: Uint8Array, at: number, length: number): Uint8Array =>
  new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, length)

/** What Node has for it, which its types leave out. */
const latin1Slice =
  (Buffer.prototype as unknown as { latin1Slice(this: Uint8Array, from: number, end: number): string })
    .latin1Slice

const latin1 = (bytes: Uint8Array, from: number, end: number): string => latin1Slice.call(bytes, from, end)

const text = (bytes: Uint8Array, at: number, length: number): string => {
  let i = at
  while (i < at + length && bytes[i]! < 0x80) i++
  return i === at + length ? latin1(bytes, at, i) : strict.decode(view(bytes, at, length))
}

const writeText = (target: Buffer, at: number, value: string): number => at + target.write(value, at)

// MQTT 3.1.1, PUBLISH alone.

export interface Publish {
  readonly _tag: "Publish"
  readonly duplicate: boolean
  readonly qos: number
  readonly retain: boolean
  readonly topic: string
  readonly id?: number
  readonly payload: Uint8Array
}

export const decodePublish = (bytes: Uint8Array, from: number): Decoded<Publish> => {
  const values: Array<Publish> = []
  let at = from
  for (;;) {
    if (at === bytes.length) break
    const head = bytes[at]!
    let length = 0
    let shift = 0
    let i = at + 1
    let done = false
    for (; i < bytes.length && i < at + 5; i++) {
      length |= (bytes[i]! & 0x7f) << shift
      shift += 7
      if (bytes[i]! < 0x80) {
        done = true
        i++
        break
      }
    }
    if (!done) break
    if (length > maxLength) throw new Error("too long")
    if (bytes.length - i < length) break
    const end = i + length
    if (head >> 4 !== 3) throw new Error("not a PUBLISH")
    const topicLength = (bytes[i]! << 8) | bytes[i + 1]!
    i += 2
    if (i + topicLength > end) throw new Error("bad topic")
    const topic = text(bytes, i, topicLength)
    i += topicLength
    const qos = (head >> 1) & 3
    if (qos > 0) {
      const id = (bytes[i]! << 8) | bytes[i + 1]!
      i += 2
      if (i > end) throw new Error("bad id")
      values.push({
        _tag: "Publish",
        duplicate: (head & 8) !== 0,
        qos,
        retain: (head & 1) !== 0,
        topic,
        id,
        payload: view(bytes, i, end - i)
      })
    } else {
      values.push({
        _tag: "Publish",
        duplicate: (head & 8) !== 0,
        qos,
        retain: (head & 1) !== 0,
        topic,
        payload: view(bytes, i, end - i)
      })
    }
    at = end
  }
  return { values, end: at }
}

export const encodePublish = (values: ReadonlyArray<Publish>): Buffer => {
  let size = 0
  for (const { payload, topic } of values) size += 9 + 3 * topic.length + payload.length
  const target = Buffer.allocUnsafe(size)
  let at = 0
  for (const value of values) {
    const topicLength = Buffer.byteLength(value.topic)
    if (topicLength > 0xffff || value.payload.length > maxLength) throw new Error("too long")
    target[at++] = 0x30 | (value.duplicate ? 8 : 0) | (value.qos << 1) | (value.retain ? 1 : 0)
    let length = 2 + topicLength + (value.qos > 0 ? 2 : 0) + value.payload.length
    for (; length >= 128; length >>= 7) target[at++] = (length & 0x7f) | 0x80
    target[at++] = length
    target[at++] = topicLength >> 8
    target[at++] = topicLength
    at = writeText(target, at, value.topic)
    if (value.qos > 0) {
      target[at++] = value.id! >> 8
      target[at++] = value.id!
    }
    target.set(value.payload, at)
    at += value.payload.length
  }
  return target.subarray(0, at)
}

// RESP commands: arrays of bulk strings.

export interface Command {
  readonly _tag: "Command"
  readonly words: ReadonlyArray<Uint8Array>
}

/** The number that ends at a CRLF, and where that begins. */
let lineEnd = 0
const number = (bytes: Uint8Array, from: number): number => {
  let value = 0
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === 13) {
      if (at + 1 === bytes.length) return -1
      if (bytes[at + 1] !== 10 || at === from) throw new Error("bad number")
      lineEnd = at
      return value
    }
    if (byte < 48 || byte > 57 || at - from > 9) throw new Error("bad number")
    value = value * 10 + byte - 48
  }
  return -1
}

export const decodeCommands = (bytes: Uint8Array, from: number): Decoded<Command> => {
  const values: Array<Command> = []
  let at = from
  frames: while (at < bytes.length) {
    if (bytes[at] !== 42) throw new Error("not an array")
    const count = number(bytes, at + 1)
    if (count < 0) break
    if (count > maxLength) throw new Error("too long")
    let i = lineEnd + 2
    const words: Array<Uint8Array> = []
    while (words.length < count) {
      if (i === bytes.length) break frames
      if (bytes[i] !== 36) throw new Error("not a bulk string")
      const length = number(bytes, i + 1)
      if (length < 0) break frames
      if (length > maxLength) throw new Error("too long")
      i = lineEnd + 2
      if (bytes.length - i < length + 2) break frames
      words.push(view(bytes, i, length))
      i += length
      if (bytes[i] !== 13 || bytes[i + 1] !== 10) throw new Error("no end")
      i += 2
    }
    values.push({ _tag: "Command", words })
    at = i
  }
  return { values, end: at }
}

export const encodeCommands = (values: ReadonlyArray<Command>): Buffer => {
  let size = 0
  for (const { words } of values) {
    size += 16
    for (const word of words) size += 16 + word.length
  }
  const target = Buffer.allocUnsafe(size)
  let at = 0
  const line = (type: number, value: number): void => {
    target[at++] = type
    if (value < 10) target[at++] = 48 + value
    else at += target.write(String(value), at, "latin1")
    target[at++] = 13
    target[at++] = 10
  }
  for (const { words } of values) {
    if (words.length > maxLength) throw new Error("too long")
    line(42, words.length)
    for (const word of words) {
      if (word.length > maxLength) throw new Error("too long")
      line(36, word.length)
      target.set(word, at)
      at += word.length
      target[at++] = 13
      target[at++] = 10
    }
  }
  return target.subarray(0, at)
}

// PostgreSQL, DataRow alone.

export interface DataRow {
  readonly _tag: "DataRow"
  readonly columns: ReadonlyArray<Uint8Array | undefined>
}

const int32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!

export const decodeRows = (bytes: Uint8Array, from: number): Decoded<DataRow> => {
  const values: Array<DataRow> = []
  let at = from
  while (bytes.length - at >= 5) {
    if (bytes[at] !== 68) throw new Error("not a DataRow")
    const length = int32(bytes, at + 1)
    if (length < 4 || length > maxLength) throw new Error("bad length")
    const end = at + 1 + length
    if (end > bytes.length) break
    const count = (bytes[at + 5]! << 8) | bytes[at + 6]!
    const columns: Array<Uint8Array | undefined> = []
    let i = at + 7
    for (let column = 0; column < count; column++) {
      const size = int32(bytes, i)
      i += 4
      if (size === -1) columns.push(undefined)
      else {
        if (size < 0 || i + size > end) throw new Error("bad column")
        columns.push(view(bytes, i, size))
        i += size
      }
    }
    if (i !== end) throw new Error("left over")
    values.push({ _tag: "DataRow", columns })
    at = end
  }
  return { values, end: at }
}

export const encodeRows = (values: ReadonlyArray<DataRow>): Buffer => {
  let size = 0
  for (const { columns } of values) {
    size += 7
    for (const column of columns) size += 4 + (column?.length ?? 0)
  }
  const target = Buffer.allocUnsafe(size)
  let at = 0
  for (const { columns } of values) {
    if (columns.length > 0xffff) throw new Error("too many columns")
    const begin = at
    target[at] = 68
    at += 5
    target[at++] = columns.length >> 8
    target[at++] = columns.length
    for (const column of columns) {
      target.writeInt32BE(column === undefined ? -1 : column.length, at)
      at += 4
      if (column !== undefined) {
        target.set(column, at)
        at += column.length
      }
    }
    const length = at - begin - 1
    if (length > maxLength) throw new Error("too long")
    target.writeInt32BE(length, begin + 1)
  }
  return target
}

// A record of a program's own: a length as a varint, then fields.

export interface Reading {
  readonly id: number
  readonly kind: number
  readonly value: number
  readonly name: string
  readonly data: Uint8Array
}

const float = new DataView(new ArrayBuffer(8))

export const decodeReadings = (bytes: Uint8Array, from: number): Decoded<Reading> => {
  const values: Array<Reading> = []
  let at = from
  while (at < bytes.length) {
    let length = bytes[at]!
    let i = at + 1
    if (length >= 0x80) {
      if (i === bytes.length) break
      length = (length & 0x7f) | (bytes[i++]! << 7)
      if (bytes[i - 1]! >= 0x80) throw new Error("too long")
    }
    const end = i + length
    if (end > bytes.length) break
    if (length < 14) throw new Error("too short")
    const id = int32(bytes, i) >>> 0
    const kind = bytes[i + 4]!
    for (let k = 0; k < 8; k++) float.setUint8(k, bytes[i + 5 + k]!)
    const value = float.getFloat64(0)
    const nameLength = bytes[i + 13]!
    i += 14
    if (i + nameLength > end) throw new Error("bad name")
    const name = text(bytes, i, nameLength)
    i += nameLength
    values.push({ id, kind, value, name, data: view(bytes, i, end - i) })
    at = end
  }
  return { values, end: at }
}

export const encodeReadings = (values: ReadonlyArray<Reading>): Buffer => {
  let size = 0
  for (const { data, name } of values) size += 16 + 3 * name.length + data.length
  const target = Buffer.allocUnsafe(size)
  let at = 0
  for (const { data, id, kind, name, value } of values) {
    const nameLength = Buffer.byteLength(name)
    const length = 14 + nameLength + data.length
    if (nameLength > 0xff || kind > 0xff || length >= 1 << 14) throw new Error("too long")
    if (length < 128) target[at++] = length
    else {
      target[at++] = (length & 0x7f) | 0x80
      target[at++] = length >> 7
    }
    at = target.writeUInt32BE(id, at)
    target[at++] = kind
    at = target.writeDoubleBE(value, at)
    target[at++] = nameLength
    at = writeText(target, at, name)
    target.set(data, at)
    at += data.length
  }
  return target.subarray(0, at)
}
