/**
 * Why bytes are not a PROXY header, or a header cannot be encoded: one error with a typed `reason`.
 *
 * @since 0.1.0
 */
import * as SafeText from "@sluice/framing/SafeText"
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"

/**
 * The bytes begin neither a version 1 nor a version 2 header. `offset` is the first byte that does not match.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotProxyHeader extends Data.TaggedClass("NotProxyHeader")<{ readonly offset: number }> {
  get message(): string {
    return `not a PROXY header: unexpected byte at offset ${this.offset}`
  }
}

/**
 * The header is longer than `limit` bytes. `length` is the smallest length that the bytes received so far prove.
 *
 * @since 0.1.0
 * @category errors
 */
export class HeaderTooLong extends Data.TaggedClass("HeaderTooLong")<{
  readonly limit: number
  readonly length: number
}> {
  get message(): string {
    return `PROXY header too long: at least ${this.length} bytes, limit ${this.limit}`
  }
}

/**
 * The input ended inside the header, after `received` bytes.
 *
 * @since 0.1.0
 * @category errors
 */
export class TruncatedHeader extends Data.TaggedClass("TruncatedHeader")<{ readonly received: number }> {
  get message(): string {
    return this.received === 0
      ? "no PROXY header: the input is empty"
      : `truncated PROXY header: the input ended after ${this.received} byte${this.received === 1 ? "" : "s"}`
  }
}

/**
 * The version 1 line is malformed.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidLine extends Data.TaggedClass("InvalidLine")<{ readonly why: string }> {
  get message(): string {
    return `invalid PROXY line: ${this.why}`
  }
}

/**
 * The version 2 signature is followed by another version.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnsupportedVersion extends Data.TaggedClass("UnsupportedVersion")<{ readonly version: number }> {
  get message(): string {
    return `unsupported PROXY protocol version ${this.version}`
  }
}

/**
 * A version 2 command other than PROXY and LOCAL.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownCommand extends Data.TaggedClass("UnknownCommand")<{ readonly command: number }> {
  get message(): string {
    return `unknown command ${this.command} in the PROXY header`
  }
}

/**
 * An address family that the version does not define. In version 1, one word names the family and the protocol.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownFamily extends Data.TaggedClass("UnknownFamily")<{ readonly family: string }> {
  get message(): string {
    return `unknown address family ${this.family} in the PROXY header`
  }
}

/**
 * A transport protocol that version 2 does not define.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownProtocol extends Data.TaggedClass("UnknownProtocol")<{ readonly protocol: number }> {
  get message(): string {
    return `unknown transport protocol ${this.protocol} in the PROXY header`
  }
}

/**
 * An address that is not of the announced family.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidAddress extends Data.TaggedClass("InvalidAddress")<{
  readonly end: "source" | "destination"
  readonly value: string
  readonly why: string
}> {
  get message(): string {
    return `invalid ${this.end} address ${this.value} in the PROXY header: ${this.why}`
  }
}

/**
 * A port that is not a plain decimal number from 0 to 65535.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidPort extends Data.TaggedClass("InvalidPort")<{
  readonly end: "source" | "destination"
  readonly value: string
}> {
  get message(): string {
    return `invalid ${this.end} port ${this.value} in the PROXY header: not a number from 0 to 65535`
  }
}

/**
 * The version 2 header is too short for the addresses of its family. Both numbers are bytes.
 *
 * @since 0.1.0
 * @category errors
 */
export class TruncatedAddresses extends Data.TaggedClass("TruncatedAddresses")<{
  readonly have: number
  readonly need: number
}> {
  get message(): string {
    return `truncated addresses in the PROXY header: ${this.have} of ${this.need} bytes`
  }
}

/**
 * A type-length-value record, or a nested one, is longer than what contains it. Both numbers are bytes.
 *
 * @since 0.1.0
 * @category errors
 */
export class TruncatedTlv extends Data.TaggedClass("TruncatedTlv")<{ readonly have: number; readonly need: number }> {
  get message(): string {
    return `truncated record in the PROXY header: ${this.have} of ${this.need} bytes`
  }
}

/**
 * A type-length-value record whose value its type does not allow.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidTlv extends Data.TaggedClass("InvalidTlv")<{ readonly type: number; readonly why: string }> {
  get message(): string {
    return `invalid record of type ${hex(this.type, 2)} in the PROXY header: ${this.why}`
  }
}

/**
 * The CRC-32C of the header differs from the one it carries.
 *
 * @since 0.1.0
 * @category errors
 */
export class ChecksumMismatch extends Data.TaggedClass("ChecksumMismatch")<{
  readonly carried: number
  readonly computed: number
}> {
  get message(): string {
    return `corrupt PROXY header: it carries the CRC-32C ${hex(this.carried, 8)}, and its bytes give ` +
      hex(this.computed, 8)
  }
}

/**
 * A header that cannot be encoded: it contradicts itself, or its version cannot express it.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidHeader extends Data.TaggedClass("InvalidHeader")<{ readonly why: string }> {
  get message(): string {
    return `cannot encode the PROXY header: ${this.why}`
  }
}

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, "0")}`

/**
 * Why a PROXY header could not be decoded or encoded.
 *
 * @since 0.1.0
 * @category errors
 */
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

/**
 * Bytes that are not a PROXY header, or a header that cannot be encoded.
 *
 * ```ts
 * import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
 * import * as Effect from "effect/Effect"
 *
 * const hello = new TextEncoder().encode("GET / HTTP/1.1\r\n")
 *
 * const program = Effect.fromResult(ProxyProtocol.decode(hello)).pipe(
 *   Effect.catchReason("ProxyProtocolError", "NotProxyHeader", ({ offset }) => Effect.succeed(`wrong at ${offset}`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ProxyProtocolError extends Data.TaggedError("ProxyProtocolError")<{ readonly reason: Reason }> {
  override get message(): string {
    return SafeText.escape(this.reason.message, { limit: 2000 })
  }
}

/**
 * Whether a value is a {@link ProxyProtocolError}.
 *
 * @since 0.1.0
 * @category guards
 */
export const isProxyProtocolError = (u: unknown): u is ProxyProtocolError => Predicate.isTagged(u, "ProxyProtocolError")
