import * as Chunks from "@sluice/framing/Chunks"
import * as Bytes from "effect/Bytes"
import { type Certificate, decodeCertificate } from "../certificate/certificate.ts"
import { violation } from "../refusal.ts"
import { digestText } from "./digest.ts"
import { type Fields, Malformed, parseJson } from "./fields.ts"

/** The messages of a handshake (RFC 8446, section 4; RFC 5246, section 7.4): their names and types are as there. */
export interface Messages {
  readonly ClientHello: {
    readonly versions: ReadonlyArray<string>
    readonly ciphers: ReadonlyArray<string>
    readonly applicationProtocols: ReadonlyArray<string>
    readonly serverName?: string | undefined
    readonly ticket?: string | undefined
  }
  readonly ServerHello: {
    readonly version: string
    readonly cipher: string
    readonly applicationProtocol?: string | undefined
    readonly resumed: boolean
  }
  readonly NewSessionTicket: { readonly ticket: string }
  readonly Certificate: { readonly chain: ReadonlyArray<Certificate> }
  readonly CertificateRequest: {}
  readonly ServerHelloDone: {}
  readonly ClientKeyExchange: {}
  /** What went before, as its sender has seen it. */
  readonly Finished: { readonly transcript: string }
}

/** The name of a message. */
export type Name = keyof Messages

/** A message by its name. */
export type Message = { readonly [K in Name]: { readonly name: K; readonly body: Messages[K] } }[Name]

const types: Record<Name, number> = {
  ClientHello: 1,
  ServerHello: 2,
  NewSessionTicket: 4,
  Certificate: 11,
  CertificateRequest: 13,
  ServerHelloDone: 14,
  ClientKeyExchange: 16,
  Finished: 20
}

const names = new Map<number, Name>(Object.entries(types).map(([name, type]) => [type, name as Name]))

/** The name of a type of messages, if it is one. */
export const nameOf = (type: number): Name | undefined => names.get(type)

const decoders: { readonly [K in Name]: (fields: Fields) => Messages[K] } = {
  ClientHello: (fields) => ({
    versions: fields.texts("versions"),
    ciphers: fields.texts("ciphers"),
    applicationProtocols: fields.texts("applicationProtocols"),
    serverName: fields.optionalText("serverName"),
    ticket: fields.optionalText("ticket")
  }),
  ServerHello: (fields) => ({
    version: fields.text("version"),
    cipher: fields.text("cipher"),
    applicationProtocol: fields.optionalText("applicationProtocol"),
    resumed: fields.flag("resumed")
  }),
  NewSessionTicket: (fields) => ({ ticket: fields.text("ticket") }),
  Certificate: (fields) => ({ chain: fields.list("chain", decodeCertificate) }),
  CertificateRequest: () => ({}),
  ServerHelloDone: () => ({}),
  ClientKeyExchange: () => ({}),
  Finished: (fields) => ({ transcript: fields.text("transcript") })
}

const headerLength = 4
// As large as OpenSSL allows chains of certificates to be, by default.
const messageLimit = 100 * 1024

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true })

/** Writes a message: its type, its length in three bytes, and its body as JSON. */
export const encodeMessage = ({ body, name }: Message): Uint8Array => {
  const json = encoder.encode(JSON.stringify(body))
  const message = new Uint8Array(headerLength + json.length)
  message[0] = types[name]
  message[1] = json.length >> 16
  message[2] = json.length >> 8
  message[3] = json.length
  message.set(json, headerLength)
  return message
}

/** Puts messages together again, out of the records that they come in. Throws a `Refusal`. */
export class MessageReader {
  readonly #fragments: Array<Uint8Array> = []
  #available = 0

  /** Whether a part of a message has come. */
  get isInMessage(): boolean {
    return this.#available > 0
  }

  feed(fragment: Uint8Array): void {
    if (fragment.length === 0) throw violation("unexpected_message", "a record of the handshake is empty")
    this.#fragments.push(fragment.slice())
    this.#available += fragment.length
  }

  next(): { readonly message: Message; readonly bytes: Uint8Array } | undefined {
    if (this.#available < headerLength) return undefined
    const header = Chunks.takeFrom(this.#fragments, headerLength)
    const length = header[1]! << 16 | header[2]! << 8 | header[3]!
    if (length > messageLimit) throw violation("illegal_parameter", `a message is ${length} bytes long`)
    if (this.#available < headerLength + length) {
      this.#fragments.unshift(header)
      return undefined
    }
    this.#available -= headerLength + length
    const body = Chunks.takeFrom(this.#fragments, length)
    const name = nameOf(header[0]!)
    if (name === undefined) throw violation("unexpected_message", `there is no message of the type ${header[0]}`)
    return { message: decode(name, body), bytes: Bytes.concat([header, body]) }
  }
}

const decode = (name: Name, body: Uint8Array): Message => {
  try {
    return { name, body: decoders[name](parseJson(decodeText(body))) } as Message
  } catch (error) {
    if (error instanceof Malformed) throw violation("decode_error", `${name} cannot be read: ${error.message}`)
    throw error
  }
}

const decodeText = (bytes: Uint8Array): string => {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new Malformed("it is not UTF-8")
  }
}

/** All messages so far, of both sides, in one digest: neither side has seen something that the other did not say. */
export class Transcript {
  value = ""

  add(message: Uint8Array): void {
    this.value = digestText(this.value, decoder.decode(message.subarray(headerLength)), String(message[0]))
  }
}
