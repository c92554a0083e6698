/**
 * Every way in which bytes fail to be a PROXY header, or a header fails to be bytes, as one error with a typed `reason`.
 */
import * as Data from "effect/Data"

/** The bytes begin neither a header of version 1 nor one of version 2; byte `offset` is the first that does not fit. */
export interface NotProxyHeader {
  readonly _tag: "NotProxyHeader"
  readonly offset: number
}

/** The header is longer than it may be; both are in bytes. `length` is the smallest that the bytes seen so far prove. */
export interface HeaderTooLong {
  readonly _tag: "HeaderTooLong"
  readonly limit: number
  readonly length: number
}

/** The input ended inside the header, after `received` bytes. */
export interface TruncatedHeader {
  readonly _tag: "TruncatedHeader"
  readonly received: number
}

/** The line of version 1 is not formed as it has to be. */
export interface InvalidLine {
  readonly _tag: "InvalidLine"
  readonly why: string
}

/** Behind the signature of version 2 stands another version. */
export interface UnsupportedVersion {
  readonly _tag: "UnsupportedVersion"
  readonly version: number
}

/** A command of version 2 that is neither PROXY nor LOCAL. */
export interface UnknownCommand {
  readonly _tag: "UnknownCommand"
  readonly command: number
}

/** An address family, or in version 1 a family and protocol in one word, that the version does not have. */
export interface UnknownFamily {
  readonly _tag: "UnknownFamily"
  readonly family: string
}

/** A transport protocol that version 2 does not have. */
export interface UnknownProtocol {
  readonly _tag: "UnknownProtocol"
  readonly protocol: number
}

/** An address that is none of the family that was announced. */
export interface InvalidAddress {
  readonly _tag: "InvalidAddress"
  readonly end: "source" | "destination"
  readonly value: string
  readonly why: string
}

/** A port that is no number from 0 to 65535, or is not written as the plain decimal number. */
export interface InvalidPort {
  readonly _tag: "InvalidPort"
  readonly end: "source" | "destination"
  readonly value: string
}

/** The header of version 2 is too short for the addresses of its family; both are in bytes. */
export interface TruncatedAddresses {
  readonly _tag: "TruncatedAddresses"
  readonly have: number
  readonly need: number
}

/** A type-length-value record, or one within another, that goes beyond what it lies in; both are in bytes. */
export interface TruncatedTlv {
  readonly _tag: "TruncatedTlv"
  readonly have: number
  readonly need: number
}

/** A type-length-value record whose value is not what its type says. */
export interface InvalidTlv {
  readonly _tag: "InvalidTlv"
  readonly type: number
  readonly why: string
}

/** The CRC-32C of the header is another than the one it carries. */
export interface ChecksumMismatch {
  readonly _tag: "ChecksumMismatch"
  readonly carried: number
  readonly computed: number
}

/** A header that cannot be written, because it says what its version has no way to say. */
export interface InvalidHeader {
  readonly _tag: "InvalidHeader"
  readonly why: string
}

/** Why a PROXY header could not be decoded or encoded. */
export type Reason =
  | NotProxyHeader
  | HeaderTooLong
  | TruncatedHeader
  | InvalidLine
  | UnsupportedVersion
  | UnknownCommand
  | UnknownFamily
  | UnknownProtocol
  | InvalidAddress
  | InvalidPort
  | TruncatedAddresses
  | TruncatedTlv
  | InvalidTlv
  | ChecksumMismatch
  | InvalidHeader

/** A reason as one line for a person. */
export const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "NotProxyHeader":
      return `what came is no PROXY header: byte ${reason.offset} does not fit`
    case "HeaderTooLong":
      return `the PROXY header is too long: ${reason.length} bytes or more where ${reason.limit} are allowed`
    case "TruncatedHeader":
      return reason.received === 0
        ? "the input ended, and no PROXY header had come"
        : `the input ended inside the PROXY header, after ${reason.received} bytes of it`
    case "InvalidLine":
      return `the PROXY line is wrong: ${reason.why}`
    case "UnsupportedVersion":
      return `the PROXY header has version ${reason.version}, which is not known`
    case "UnknownCommand":
      return `the PROXY header has command ${reason.command}, which is not known`
    case "UnknownFamily":
      return `the PROXY header has family ${reason.family}, which is not known`
    case "UnknownProtocol":
      return `the PROXY header has transport protocol ${reason.protocol}, which is not known`
    case "InvalidAddress":
      return `the ${reason.end} address ${reason.value} in the PROXY header is wrong: ${reason.why}`
    case "InvalidPort":
      return `the ${reason.end} port ${reason.value} in the PROXY header is no number from 0 to 65535`
    case "TruncatedAddresses":
      return `the PROXY header has ${reason.have} bytes for its addresses, which take ${reason.need}`
    case "TruncatedTlv":
      return `a record at the end of the PROXY header takes ${reason.need} bytes, and ${reason.have} are left`
    case "InvalidTlv":
      return `the record of type ${hex(reason.type, 2)} in the PROXY header is wrong: ${reason.why}`
    case "ChecksumMismatch":
      return `the PROXY header is corrupt: its CRC-32C is ${hex(reason.computed, 8)}, and it carries ` +
        hex(reason.carried, 8)
    case "InvalidHeader":
      return `this PROXY header cannot be written: ${reason.why}`
  }
}

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, "0")}`

/**
 * Bytes that are no PROXY header, or a header that cannot be written.
 *
 * ```ts
 * import * as ProxyProtocol from "@sluice/core/ProxyProtocol"
 * import * as Effect from "effect/Effect"
 *
 * const hello = new TextEncoder().encode("GET / HTTP/1.1\r\n")
 *
 * const program = Effect.fromResult(ProxyProtocol.decode(hello)).pipe(
 *   Effect.catchReason("ProxyProtocolError", "NotProxyHeader", ({ offset }) => Effect.succeed(`wrong at ${offset}`))
 * )
 * ```
 */
export class ProxyProtocolError extends Data.TaggedError("ProxyProtocolError")<{ readonly reason: Reason }> {
  override readonly message: string = describe(this.reason)
}

/** Whether a value is a {@link ProxyProtocolError}. */
export const isProxyProtocolError = (value: unknown): value is ProxyProtocolError => value instanceof ProxyProtocolError
