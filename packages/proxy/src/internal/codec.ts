/** PROXY headers as bytes, in both versions of the format. */
import * as SafeText from "@sluice/framing/SafeText"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import type * as Result from "effect/Result"
import * as Reason from "../ProxyProtocolError.ts"
import * as binary from "./binary.ts"
import { check } from "./check.ts"
import type { Header } from "./header.ts"
import * as text from "./text.ts"
import { attempt, fail } from "./throwing.ts"

/**
 * Options of {@link decode} and {@link encode}.
 *
 * @since 0.1.0
 * @category options
 */
export interface LimitOptions {
  /**
   * The maximum size of a header in bytes. The format allows 65,551 bytes; HAProxy sends no more than its buffer holds, and
   * version 1 headers have at most 107 bytes. Default: 16,384.
   */
  readonly limit?: number | undefined
}

/**
 * The default `limit`, in bytes.
 *
 * @since 0.1.0
 * @category options
 */
export const defaultLimit = 16_384

/**
 * The size of the longest header that the format allows, in bytes.
 *
 * @since 0.1.0
 * @category options
 */
export const maxLimit: number = binary.maxSize

/**
 * A decoded header.
 *
 * @since 0.1.0
 * @category models
 */
export interface Decoded {
  readonly header: Header
  /** The size of the header in bytes. The bytes after it belong to the connection. */
  readonly size: number
}

/**
 * Decodes the header at the beginning of the bytes. Returns `None` while the header is incomplete and valid so far.
 *
 * Pass all bytes received so far: how the input was split changes neither the header nor the error.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = (
  bytes: Uint8Array,
  options: LimitOptions = {}
): Result.Result<Option.Option<Decoded>, Reason.ProxyProtocolError> =>
  attempt(() => {
    const size = measure(bytes, options.limit ?? defaultLimit)
    if (size === undefined || bytes.length < size) return Option.none()
    const whole = bytes.subarray(0, size)
    return Option.some({ header: formatOf(bytes[0]!).decode(whole), size })
  })

const measure = (bytes: Uint8Array, limit: number): number | undefined =>
  bytes.length === 0 ? undefined : formatOf(bytes[0]!).measure(bytes, limit)

// The first byte distinguishes the versions.
const formatOf = (first: number): typeof text | typeof binary => {
  switch (first) {
    case 0x50:
      return text
    case 0x0d:
      return binary
    default:
      return fail(new Reason.NotProxyHeader({ offset: 0 }))
  }
}

/**
 * Encodes a header. Fails, for example with `InvalidHeader`, where decoding would not return the same header.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (
  header: Header,
  options: LimitOptions = {}
): Result.Result<Uint8Array, Reason.ProxyProtocolError> =>
  attempt(() => {
    check(header)
    const bytes = (header.version === 1 ? text : binary).encode(header)
    const limit = options.limit ?? defaultLimit
    return bytes.length <= limit ? bytes : fail(new Reason.HeaderTooLong({ limit, length: bytes.length }))
  })

/**
 * Formats a header as one line for people: `"198.51.100.7:50412 to 203.0.113.1:443"`. Paths are escaped as by `SafeText`.
 *
 * @since 0.1.0
 * @category formatting
 */
export const format = ({ addresses, command }: Header): string =>
  addresses === undefined
    ? command === "LOCAL" ? "the proxy itself" : "an unknown client"
    : SafeText.escape(
      `${NetAddress.formatSocketAddress(addresses.source)} to ${NetAddress.formatSocketAddress(addresses.destination)}`
    )
