/**
 * Every way in which a socket operation fails.
 *
 * A `NetworkError` says which operation failed and where; its `reason` says why, as a tagged value that can be matched:
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
 *   Effect.catchReason("NetworkError", "ConnectionRefused", () => Effect.log("nobody is listening there yet"))
 * )
 * ```
 *
 * The message is one line for a person: what was tried, where, what went wrong, what to do. Where the operating system
 * gave the reason, its name for it stays readable in `code` (`"ECONNREFUSED"`) and `syscall` (`"connect"`).
 */
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"
import type * as ProxyProtocolError from "./ProxyProtocolError.ts"
import type { TlsReason } from "./TlsReason.ts"

/** What was being done when it failed. */
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

/** Someone else holds the address (`EADDRINUSE`). */
export class AddressInUse extends Data.TaggedClass("AddressInUse") {
  readonly message = "the address is already in use"
  readonly advice = "stop the program that holds it, or choose another one"
}

/** The address is not one of this machine's (`EADDRNOTAVAIL`). */
export class AddressNotAvailable extends Data.TaggedClass("AddressNotAvailable") {
  readonly message = "the address is not available on this machine"
  readonly advice = "use an address of one of its interfaces, such as 127.0.0.1"
}

/** The operating system forbids it (`EACCES`, `EPERM`). */
export class PermissionDenied extends Data.TaggedClass("PermissionDenied") {
  readonly message = "permission denied"
  readonly advice = "choose a port from 1024 up or a path you may write to; to broadcast, set the option broadcast"
}

/** Nobody listens there (`ECONNREFUSED`). */
export class ConnectionRefused extends Data.TaggedClass("ConnectionRefused") {
  readonly message = "the connection was refused"
  readonly advice = "check the address, and that the server is running"
}

/** The peer, or something between, cut the connection (`ECONNRESET`): a TCP reset. */
export class ConnectionReset extends Data.TaggedClass("ConnectionReset") {
  readonly message = "the peer reset the connection"
  readonly advice = "what was in flight is lost; connect again"
}

/** The connection can no longer be written to: the peer has closed it, or this side has ended its output (`EPIPE`). */
export class BrokenPipe extends Data.TaggedClass("BrokenPipe") {
  readonly message = "the connection takes no more output"
  readonly advice = "the peer closed it, or it was ended here; write before ending"
}

/**
 * A deadline passed. `deadline` names it: one of ours (`after` has its length in milliseconds), or `"system"` for one of
 * the operating system's (`ETIMEDOUT`: retransmissions or keep-alive probes that nobody answered).
 */
export class TimedOut extends Data.TaggedClass("TimedOut")<{
  readonly deadline:
    | "connect"
    | "handshake"
    | "proxyHeader"
    | "idle"
    | "read"
    | "write"
    | "heartbeat"
    | "lifetime"
    | "system"
  readonly after?: number | undefined
}> {
  get message(): string {
    return deadlineMessages[this.deadline] + (this.after === undefined ? "" : ` within ${this.after} ms`)
  }
  readonly advice = "try again, or allow more time"
}

const deadlineMessages: Record<TimedOut["deadline"], string> = {
  connect: "the connection was not established",
  handshake: "the handshake was not finished",
  idle: "nothing was read or written",
  proxyHeader: "no whole PROXY header came",
  read: "the peer sent nothing",
  write: "the peer took nothing of what was written",
  heartbeat: "the peer did not answer a ping",
  lifetime: "the connection did not end",
  system: "the peer stopped answering"
}

/** The name has no address (`ENOTFOUND`, `EAI_AGAIN`). */
export class HostNotFound extends Data.TaggedClass("HostNotFound")<{ readonly host: string }> {
  get message(): string {
    return `the host "${this.host}" was not found`
  }
  readonly advice = "check the spelling, and that names can be resolved"
}

/** No route leads there, or a router said so (`EHOSTUNREACH`, `ENETUNREACH`). */
export class Unreachable extends Data.TaggedClass("Unreachable")<{ readonly what: "host" | "network" }> {
  get message(): string {
    return `the ${this.what} is unreachable`
  }
  readonly advice = "check the address and the routes to it"
}

/** A datagram does not fit (`EMSGSIZE`); `size` is its payload in bytes. */
export class MessageTooLarge extends Data.TaggedClass("MessageTooLarge")<{ readonly size?: number | undefined }> {
  get message(): string {
    return this.size === undefined ? "the datagram is too large" : `a datagram of ${this.size} bytes is too large`
  }
  readonly advice = "send less at once: at most 65507 bytes over IPv4, and safely no more than 1200"
}

/** The process or the machine has no descriptors left (`EMFILE`, `ENFILE`). */
export class TooManyOpenFiles extends Data.TaggedClass("TooManyOpenFiles") {
  readonly message = "too many files and sockets are open"
  readonly advice = "close some, set a limit on connections, or raise the limit (ulimit -n)"
}

/** Something other than a socket is at this path (`ENOTSOCK`, `EEXIST`). */
export class NotASocket extends Data.TaggedClass("NotASocket") {
  readonly message = "something that is not a socket is at this path"
  readonly advice = "choose another path; nothing was removed"
}

/** A Unix-domain path is longer than the system's `sun_path` (unix(7)); `limit` is in bytes. */
export class PathTooLong extends Data.TaggedClass("PathTooLong")<{ readonly limit?: number | undefined }> {
  get message(): string {
    return this.limit === undefined ? "the path is too long" : `the path is longer than ${this.limit} bytes`
  }
  readonly advice = "choose a shorter path, for example below /tmp"
}

/** No file is at this path, or a folder of it is missing (`ENOENT`). */
export class PathNotFound extends Data.TaggedClass("PathNotFound") {
  readonly message = "there is no such file or folder"
  readonly advice = "check the path, and that the server is running"
}

/** An endpoint that cannot be meant: `part` says which part of `input` is wrong, `expected` what would be right. */
export class InvalidEndpoint extends Data.TaggedClass("InvalidEndpoint")<{
  readonly input: string
  readonly part: "endpoint" | "scheme" | "host" | "port" | "path"
  readonly expected: string
}> {
  get message(): string {
    return `the ${this.part} of "${this.input}" is wrong`
  }
  get advice(): string {
    return `expected ${this.expected}`
  }
}

/** An option whose value cannot be used; found once, before anything is opened. */
export class InvalidOption extends Data.TaggedClass("InvalidOption")<{
  readonly option: string
  readonly value: unknown
  readonly expected: string
}> {
  get message(): string {
    return `the option ${this.option} cannot be ${formatValue(this.value)}`
  }
  get advice(): string {
    return `expected ${this.expected}`
  }
}

const formatValue = (value: unknown): string => typeof value === "string" ? JSON.stringify(value) : String(value)

/** The socket was closed on this side. */
export class Closed extends Data.TaggedClass("Closed") {
  readonly message = "the socket is closed"
  readonly advice = "use it within the scope that opened it"
}

/** Something else has the connection's input: two pipes cannot share it. */
export class Busy extends Data.TaggedClass("Busy") {
  readonly message = "its input is already being piped"
  readonly advice = "wait for that pipe to end, or interrupt it"
}

/** The peer ended its output before all that was asked for had come. `received` bytes are still there to be read. */
export class UnexpectedEnd extends Data.TaggedClass("UnexpectedEnd")<{
  readonly received: number
  readonly expected?: number | undefined
}> {
  get message(): string {
    const wanted = this.expected === undefined ? "before the delimiter" : `of ${this.expected}`
    return `the peer ended after ${this.received} bytes ${wanted}`
  }
  readonly advice = "the last message is incomplete"
}

/** More came than was allowed; `limit` is in bytes. */
export class LimitExceeded extends Data.TaggedClass("LimitExceeded")<{ readonly limit: number }> {
  get message(): string {
    return `more than ${this.limit} bytes came`
  }
  readonly advice = "allow more, or refuse this peer"
}

/** The peer is trusted to send a PROXY header, and what it sent is none; `fault` says why. */
export class InvalidProxyHeader extends Data.TaggedClass("InvalidProxyHeader")<{
  readonly fault: ProxyProtocolError.Reason
}> {
  get message(): string {
    return this.fault.message
  }
  readonly advice = "let the proxy send one, or do not list its address as trusted"
}

/** This platform cannot do it. */
export class Unsupported extends Data.TaggedClass("Unsupported")<{ readonly feature: string }> {
  get message(): string {
    return `${this.feature} is not supported here`
  }
  readonly advice = "leave the option out, or use another platform"
}

/** A reason that has no class of its own here; `code`, `syscall` and `cause` of the error have what is known. */
export class Other extends Data.TaggedClass("Other")<{ readonly message: string }> {
  readonly advice = undefined
}

/** Why it failed. */
export type Reason =
  | AddressInUse
  | AddressNotAvailable
  | PermissionDenied
  | ConnectionRefused
  | ConnectionReset
  | BrokenPipe
  | TimedOut
  | HostNotFound
  | Unreachable
  | MessageTooLarge
  | TooManyOpenFiles
  | NotASocket
  | PathTooLong
  | PathNotFound
  | InvalidEndpoint
  | InvalidOption
  | Closed
  | Busy
  | UnexpectedEnd
  | LimitExceeded
  | InvalidProxyHeader
  | Unsupported
  | TlsReason
  | Other

/** A socket operation failed: `operation` at `address` (an endpoint, or a peer, as text) because of `reason`. */
export class NetworkError extends Data.TaggedError("NetworkError")<{
  readonly operation: Operation
  readonly address: string
  readonly reason: Reason
  /** The operating system's name for the reason, such as `"EADDRINUSE"` (errno(3)). */
  readonly code?: string | undefined
  /** The system call that gave it, such as `"bind"`. */
  readonly syscall?: string | undefined
  readonly cause?: unknown
}> {
  override get message(): string {
    const { advice, message } = this.reason
    const system = this.code === undefined ? "" : ` (${this.code}${this.syscall ? ` from ${this.syscall}` : ""})`
    return `${attempts[this.operation]} ${this.address}: ${message}${system}${advice ? `; ${advice}` : ""}`
  }
}

const attempts: Record<Operation, string> = {
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

/** Whether a value is a `NetworkError`. */
export const isNetworkError = (u: unknown): u is NetworkError => Predicate.isTagged(u, "NetworkError")

/** Makes a `NetworkError`: `NetworkError.make("read", "127.0.0.1:9000", new NetworkError.Closed())`. */
export const make = (operation: Operation, address: string, reason: Reason): NetworkError =>
  new NetworkError({ operation, address, reason })

/**
 * Translates what an operating system reports (`code` as in errno(3) and getaddrinfo(3), `syscall`) into a typed reason.
 * For those who write a platform.
 */
export const fromSystem = (options: {
  readonly operation: Operation
  readonly address: string
  readonly error: unknown
}): NetworkError => {
  const { address, error, operation } = options
  const code = Predicate.hasProperty(error, "code") && typeof error.code === "string" ? error.code : undefined
  const syscall = Predicate.hasProperty(error, "syscall") && typeof error.syscall === "string"
    ? error.syscall
    : undefined
  const reason = code === undefined ? undefined : systemReasons[code]?.(address)
  return new NetworkError({
    operation,
    address,
    reason: reason ?? new Other({ message: error instanceof Error ? error.message : String(error) }),
    code,
    syscall,
    cause: error
  })
}

const systemReasons: Record<string, (address: string) => Reason> = {
  EADDRINUSE: () => new AddressInUse(),
  EADDRNOTAVAIL: () => new AddressNotAvailable(),
  ENODEV: () => new AddressNotAvailable(),
  EACCES: () => new PermissionDenied(),
  EPERM: () => new PermissionDenied(),
  EROFS: () => new PermissionDenied(),
  ECONNREFUSED: () => new ConnectionRefused(),
  ECONNRESET: () => new ConnectionReset(),
  ECONNABORTED: () => new ConnectionReset(),
  EPIPE: () => new BrokenPipe(),
  ERR_STREAM_WRITE_AFTER_END: () => new BrokenPipe(),
  ERR_STREAM_DESTROYED: () => new Closed(),
  ERR_SOCKET_CLOSED: () => new Closed(),
  ERR_SOCKET_DGRAM_NOT_RUNNING: () => new Closed(),
  EBADF: () => new Closed(),
  ETIMEDOUT: () => new TimedOut({ deadline: "system" }),
  ENOTFOUND: (address) => new HostNotFound({ host: hostOf(address) }),
  EAI_AGAIN: (address) => new HostNotFound({ host: hostOf(address) }),
  EAI_NODATA: (address) => new HostNotFound({ host: hostOf(address) }),
  EHOSTUNREACH: () => new Unreachable({ what: "host" }),
  EHOSTDOWN: () => new Unreachable({ what: "host" }),
  ENETUNREACH: () => new Unreachable({ what: "network" }),
  ENETDOWN: () => new Unreachable({ what: "network" }),
  EMSGSIZE: () => new MessageTooLarge({}),
  EMFILE: () => new TooManyOpenFiles(),
  ENFILE: () => new TooManyOpenFiles(),
  ENOTSOCK: () => new NotASocket(),
  EEXIST: () => new NotASocket(),
  ENOTDIR: () => new PathNotFound(),
  ENOENT: () => new PathNotFound(),
  ENAMETOOLONG: () => new PathTooLong({})
}

const hostOf = (address: string): string => address.replace(/^[a-z]+:\/\//, "").replace(/:\d+$/, "")
