/** The packages that people use, each driven as its documentation has it. */
// @ts-expect-error has no types
import dnsPacket from "dns-packet"
import * as mqttPacket from "mqtt-packet"
import { Packr, PackrStream, UnpackrStream } from "msgpackr"
import { PassThrough, Readable } from "node:stream"
import * as PgProtocol from "pg-protocol"
import protobuf from "protobufjs"
// @ts-expect-error has no types
import RedisParser from "redis-parser"
import type { Command, DataRow, Publish, Reading } from "./byHand.ts"

type OnValue = (value: unknown) => void
type Chunks = ReadonlyArray<Uint8Array>

export const mqtt = {
  decode: (chunks: Chunks, onValue: OnValue): void => {
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    parser.on("packet" as never, onValue)
    for (const chunk of chunks) parser.parse(chunk as Buffer)
  },
  encode: (values: ReadonlyArray<Publish>, onBuffer: (buffer: Uint8Array) => void): void => {
    for (const { duplicate, id, payload, qos, retain, topic } of values) {
      onBuffer(mqttPacket.generate({
        cmd: "publish",
        dup: duplicate,
        qos: qos as 0 | 1 | 2,
        retain,
        topic,
        payload: Buffer.from(payload.buffer, payload.byteOffset, payload.length),
        ...(id === undefined ? {} : { messageId: id })
      }))
    }
  }
}

export const redis = {
  decode: (chunks: Chunks, onValue: OnValue): void => {
    const parser = new RedisParser({ returnReply: onValue, returnError: onValue, returnBuffers: true })
    for (const chunk of chunks) parser.execute(chunk as Buffer)
  }
}

export const postgres = {
  decode: async (chunks: Chunks, onValue: OnValue): Promise<void> => {
    const stream = new PassThrough()
    const parsed = PgProtocol.parse(stream, onValue)
    for (const chunk of chunks) stream.write(chunk)
    stream.end()
    await parsed
  }
}

const schema = protobuf.parse(`
  syntax = "proto3";
  message Reading { fixed32 id = 1; uint32 kind = 2; double value = 3; string name = 4; bytes data = 5; }
`)
const ReadingType = schema.root.lookupType("Reading")

export const protobufjs = {
  encode: (values: ReadonlyArray<Reading>, onBuffer: (buffer: Uint8Array) => void): void => {
    const writer = protobuf.Writer.create()
    for (const value of values) ReadingType.encodeDelimited(value, writer)
    onBuffer(writer.finish())
  },
  /** It wants whole messages: it is given them all at once. */
  decode: (bytes: Uint8Array, onValue: OnValue): void => {
    const reader = protobuf.Reader.create(bytes)
    while (reader.pos < reader.len) onValue(ReadingType.decodeDelimited(reader))
  }
}

export const msgpackr = {
  encode: (values: ReadonlyArray<Reading>, onBuffer: (buffer: Uint8Array) => void): void => {
    const packr = new Packr({ structures: [] })
    for (const value of values) onBuffer(packr.pack(value))
  },
  decodeStream: (chunks: Chunks, onValue: OnValue): Promise<void> =>
    new Promise((resolve, reject) => {
      const stream = new UnpackrStream()
      stream.on("data", onValue).on("end", resolve).on("error", reject)
      Readable.from(chunks).pipe(stream)
    }),
  encodeStream: async (values: ReadonlyArray<Reading>): Promise<Uint8Array> => {
    const stream = new PackrStream()
    const chunks: Array<Buffer> = []
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    for (const value of values) stream.write(value)
    stream.end()
    await new Promise((resolve) => stream.on("end", resolve))
    return Buffer.concat(chunks)
  }
}

export const dns = {
  decode: (messages: Chunks, onValue: OnValue): void => {
    for (const message of messages) onValue(dnsPacket.decode(message as Buffer))
  },
  encode: (messages: ReadonlyArray<unknown>, onBuffer: (buffer: Uint8Array) => void): void => {
    for (const message of messages) onBuffer(dnsPacket.encode(message as never))
  }
}

export type { Command, DataRow }
