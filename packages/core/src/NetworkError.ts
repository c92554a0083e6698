/**
 * The error of every socket operation.
 *
 * A `NetworkError` has the operation that failed and its address; the `reason` is a tagged value that can be matched.
 *
 * **Example** (handling one reason)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Network from "@sluice/core/Network"
 * import * as Effect from "effect/Effect"
 *
 * const greet = Effect.scoped(Effect.gen(function*() {
 *   const connection = yield* Network.connect("tcp://127.0.0.1:12345")
 *   yield* Connection.writeText(connection, "hello")
 * })).pipe(
 *   Effect.catchReason("NetworkError", "ConnectionRefused", () => Effect.log("no server is listening there yet"))
 * )
 * ```
 *
 * The message is one line: what failed, where, why, and how to fix it. A reason that the operating system gave keeps its
 * name in `code` (`"ECONNREFUSED"`) and `syscall` (`"connect"`).
 *
 * @since 0.1.0
 */
import * as SafeText from "@sluice/framing/SafeText"
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"
import type { InvalidEndpoint, NoInheritedSocket } from "./internal/error/endpointReasons.ts"
import type * as readingReasons from "./internal/error/readingReasons.ts"
import type * as reasons from "./internal/error/reasons.ts"
import type { TlsReason } from "./TlsReason.ts"

export { InvalidEndpoint, NoInheritedSocket } from "./internal/error/endpointReasons.ts"
export { BufferBudgetExceeded, Busy, LimitExceeded, UnexpectedEnd } from "./internal/error/readingReasons.ts"
export {
  AddressFamilyMismatch,
  AddressInUse,
  AddressNotAvailable,
  BacklogFull,
  BrokenPipe,
  Closed,
  ConnectionRefused,
  ConnectionReset,
  HostNotFound,
  InvalidOption,
  InvalidProxyHeader,
  MessageTooLarge,
  NameServerFailed,
  NotASocket,
  Other,
  PathNotFound,
  PathTooLong,
  PermissionDenied,
  PortsExhausted,
  TimedOut,
  TooManyOpenFiles,
  Unreachable,
  Unsupported
} from "./internal/error/reasons.ts"

const TypeId = "~@sluice/core/NetworkError"

/**
 * The operation that failed.
 *
 * @category models
 * @since 0.1.0
 */
export type Operation =
  | "parse"
  | "resolve"
  | "connect"
  | "listen"
  | "accept"
  | "secure"
  | "bind"
  | "read"
  | "write"
  | "send"
  | "receive"
  | "join"
  | "configure"

/**
 * Why an operation failed.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason =
  | reasons.AddressInUse
  | reasons.AddressNotAvailable
  | reasons.PortsExhausted
  | reasons.AddressFamilyMismatch
  | reasons.PermissionDenied
  | reasons.ConnectionRefused
  | reasons.BacklogFull
  | reasons.ConnectionReset
  | reasons.BrokenPipe
  | reasons.TimedOut
  | reasons.HostNotFound
  | reasons.NameServerFailed
  | reasons.Unreachable
  | reasons.MessageTooLarge
  | reasons.TooManyOpenFiles
  | reasons.NotASocket
  | reasons.PathTooLong
  | reasons.PathNotFound
  | InvalidEndpoint
  | reasons.InvalidOption
  | reasons.Closed
  | readingReasons.Busy
  | readingReasons.UnexpectedEnd
  | readingReasons.LimitExceeded
  | readingReasons.BufferBudgetExceeded
  | reasons.InvalidProxyHeader
  | NoInheritedSocket
  | reasons.Unsupported
  | TlsReason
  | reasons.Other

/**
 * A failed socket operation: `operation` at `address` (an endpoint or a peer, as text) because of `reason`.
 *
 * @category errors
 * @since 0.1.0
 */
export class NetworkError extends Data.TaggedError("NetworkError")<{
  readonly operation: Operation
  readonly address: string
  readonly reason: Reason
  /** The operating system's name for the reason, such as `"EADDRINUSE"` (errno(3)). */
  readonly code?: string | undefined
  /** The system call that failed, such as `"bind"`. */
  readonly syscall?: string | undefined
  /** When several addresses of a name were tried: the error of each, in the order of the attempts. */
  readonly attempts?: ReadonlyArray<NetworkError> | undefined
  readonly cause?: unknown
}> {
  readonly [TypeId] = TypeId

  override get message(): string {
    const { advice } = this.reason
    const fix = advice === undefined ? "" : `; ${advice}`
    const message = `${failures[this.operation]} ${this.address}: ${describe(this)}${fix}`
    return SafeText.escape(message + describeAttempts(this.attempts), { limit: 2000 })
  }
}

const describe = ({ code, reason, syscall }: NetworkError): string =>
  reason.message + (code === undefined ? "" : ` (${code}${syscall ? ` from ${syscall}` : ""})`)

// A name can have any number of addresses.
const shownAttempts = 8

const describeAttempts = (attempts: ReadonlyArray<NetworkError> = []): string => {
  if (attempts.length < 2) return ""
  const shown = attempts.slice(0, shownAttempts).map((each) =>
    `${each.address.replace(/^\w+:\/\//, "")}: ${describe(each)}`
  )
  const more = attempts.length > shownAttempts ? `, and ${attempts.length - shownAttempts} more` : ""
  return `; all ${attempts.length} addresses failed: ${shown.join(", ")}${more}`
}

const failures: Record<Operation, string> = {
  parse: "cannot use",
  resolve: "cannot find the address of",
  connect: "cannot connect to",
  listen: "cannot listen on",
  accept: "cannot accept on",
  secure: "cannot set up TLS with",
  bind: "cannot bind to",
  read: "cannot read from",
  write: "cannot write to",
  send: "cannot send to",
  receive: "cannot receive on",
  join: "cannot join",
  configure: "cannot set up"
}

/**
 * Makes a `NetworkError`.
 *
 * **Example**
 *
 * ```ts
 * import * as NetworkError from "@sluice/core/NetworkError"
 *
 * const error = NetworkError.make("read", "127.0.0.1:9000", new NetworkError.Closed())
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (operation: Operation, address: string, reason: Reason): NetworkError =>
  new NetworkError({ operation, address, reason })

/**
 * Whether a value is a `NetworkError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isNetworkError = (u: unknown): u is NetworkError => Predicate.hasProperty(u, TypeId)

/**
 * Whether the same operation may succeed when it is retried later: the server may come back, a name server answer, or
 * descriptors and ports become free. An error that needs a change first, such as `HostNotFound`, `AddressNotAvailable` or
 * `CertificateExpired`, is not transient. When several addresses were tried, one transient failure is enough.
 *
 * **Example** (retry what may pass, and nothing else)
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import * as NetworkError from "@sluice/core/NetworkError"
 * import * as Effect from "effect/Effect"
 * import * as Schedule from "effect/Schedule"
 *
 * const connect = Network.connect("tcp://127.0.0.1:9000").pipe(
 *   Effect.retry({ schedule: Schedule.exponential("100 millis"), times: 5, while: NetworkError.isTransient })
 * )
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isTransient = (error: NetworkError): boolean =>
  transient.has(error.reason._tag) || (error.attempts?.some(isTransient) ?? false)

const transient = new Set<Reason["_tag"]>([
  "BacklogFull",
  "ConnectionRefused",
  "ConnectionReset",
  "HandshakeCut",
  "NameServerFailed",
  "PortsExhausted",
  "TimedOut",
  "TooManyOpenFiles",
  "Unreachable"
])
