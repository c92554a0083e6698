import type * as ProxyProtocolError from "@sluice/proxy/ProxyProtocolError"
import * as Data from "effect/Data"
import type * as NetAddress from "effect/net/NetAddress"
import { plural } from "../text/plural.ts"

/**
 * The address is used by another socket, or on `UdpSocket.join` the group is joined already (`EADDRINUSE`; for a `localPort`
 * that another connection to the same peer has, Linux says `EADDRNOTAVAIL` from connect).
 *
 * @category reasons
 * @since 0.1.0
 */
export class AddressInUse extends Data.TaggedClass("AddressInUse")<{ readonly what?: "group" | undefined }> {
  readonly message: string = this.what === "group"
    ? "the socket is a member of this group already"
    : "the address is already in use"
  readonly advice: string = this.what === "group"
    ? "join each group once, and keep its scope open for as long as any part of the program needs it"
    : "stop the program that uses it, or choose another one"
}

/**
 * The address is not one of this machine's (`EADDRNOTAVAIL`, `ENODEV`).
 *
 * @category reasons
 * @since 0.1.0
 */
export class AddressNotAvailable extends Data.TaggedClass("AddressNotAvailable") {
  readonly message = "the address is not available on this machine"
  readonly advice = "use an address of one of its interfaces, such as 127.0.0.1"
}

/**
 * No local port is free for a socket that left the choice to the system (`EADDRNOTAVAIL` from connect, `EADDRINUSE` for port 0;
 * connect(2), ip(7)). It passes when sockets are closed.
 *
 * @category reasons
 * @since 0.1.0
 */
export class PortsExhausted extends Data.TaggedClass("PortsExhausted") {
  readonly message = "no local port is left"
  readonly advice =
    "close sockets, connect from more local addresses (`localAddress`), or widen net.ipv4.ip_local_port_range"
}

/**
 * The socket is of one address family and the address of the other: an IPv4 socket has no IPv6 peers, and an IPv6 socket has
 * IPv4 peers only if it is bound to `[::]` without `ipv6Only`.
 *
 * @category reasons
 * @since 0.1.0
 */
export class AddressFamilyMismatch extends Data.TaggedClass("AddressFamilyMismatch")<{
  /** The family of the socket. */
  readonly socket: NetAddress.IpFamily
  /** The address that is of the other family. */
  readonly address: string
}> {
  readonly message: string = `${this.address} is not an ${this.socket} address, and the socket is ${this.socket}`
  readonly advice = "use an address of the same family, or bind to [::] to use both"
}

/**
 * The operating system denies it (`EACCES`, `EPERM`, `EROFS`).
 *
 * @category reasons
 * @since 0.1.0
 */
export class PermissionDenied extends Data.TaggedClass("PermissionDenied") {
  readonly message = "permission denied"
  readonly advice = "choose a port from 1024 up or a path you may write to; to broadcast, set the option broadcast"
}

/**
 * No socket listens there (`ECONNREFUSED`).
 *
 * @category reasons
 * @since 0.1.0
 */
export class ConnectionRefused extends Data.TaggedClass("ConnectionRefused") {
  readonly message = "the connection was refused"
  readonly advice = "check the address, and that the server is running"
}

/**
 * The backlog of the Unix-domain listener is full (`EAGAIN`, connect(2)). `Network.connect` retries until `connectTimeout`.
 *
 * @category reasons
 * @since 0.1.0
 */
export class BacklogFull extends Data.TaggedClass("BacklogFull") {
  readonly message = "the backlog of the server is full"
  readonly advice = "retry later, or raise the option backlog of the server"
}

/**
 * The peer or the network cut the connection (`ECONNRESET`): a TCP reset.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ConnectionReset extends Data.TaggedClass("ConnectionReset") {
  readonly message = "the peer reset the connection"
  readonly advice = "what was in flight is lost; connect again"
}

/**
 * The connection can no longer be written to: the peer closed it, or this side ended its output (`EPIPE`).
 *
 * @category reasons
 * @since 0.1.0
 */
export class BrokenPipe extends Data.TaggedClass("BrokenPipe") {
  readonly message = "the connection accepts no more output"
  readonly advice = "the peer closed it, or this side ended its output; write before ending"
}

/**
 * A timeout passed. `deadline` names it: one of the library's (`after` is its length in milliseconds), or `"system"` for one
 * of the operating system's (`ETIMEDOUT`: retransmissions or keep-alive probes without an answer).
 *
 * @category reasons
 * @since 0.1.0
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
  readonly message: string = deadlineMessages[this.deadline] +
    (this.after === undefined ? "" : ` within ${this.after} ms`)
  readonly advice = "retry, or raise the timeout"
}

const deadlineMessages: Record<TimedOut["deadline"], string> = {
  connect: "the connection was not established",
  handshake: "the handshake did not finish",
  idle: "nothing was read or written",
  proxyHeader: "no complete PROXY header was received",
  read: "the peer sent nothing",
  write: "the peer accepted none of what was written",
  heartbeat: "the peer did not answer a ping",
  lifetime: "the connection did not close",
  system: "the peer stopped answering"
}

/**
 * The name does not exist, or has no address (`ENOTFOUND`: NXDOMAIN or no data).
 *
 * @category reasons
 * @since 0.1.0
 */
export class HostNotFound extends Data.TaggedClass("HostNotFound")<{ readonly host: string }> {
  readonly message: string = `the host "${this.host}" was not found`
  readonly advice = "check the spelling"
}

/**
 * The name could not be looked up, and may exist: no name server answered, or it failed (`EAI_AGAIN`, `ESERVFAIL`, `ETIMEOUT`,
 * `EREFUSED`; getaddrinfo(3)). It may pass.
 *
 * @category reasons
 * @since 0.1.0
 */
export class NameServerFailed extends Data.TaggedClass("NameServerFailed")<{ readonly host: string }> {
  readonly message: string = `the name servers gave no answer for the host "${this.host}"`
  readonly advice = "retry later, and check the network and the name servers of this machine (resolv.conf(5))"
}

/**
 * No route leads there, or a router says so (`EHOSTUNREACH`, `ENETUNREACH`).
 *
 * @category reasons
 * @since 0.1.0
 */
export class Unreachable extends Data.TaggedClass("Unreachable")<{ readonly what: "host" | "network" }> {
  readonly message: string = `the ${this.what} is unreachable`
  readonly advice = "check the address and the routes to it"
}

/**
 * The datagram is too large (`EMSGSIZE`); `size` is its payload in bytes.
 *
 * @category reasons
 * @since 0.1.0
 */
export class MessageTooLarge extends Data.TaggedClass("MessageTooLarge")<{ readonly size?: number | undefined }> {
  readonly message: string = this.size === undefined
    ? "the datagram is too large"
    : `a datagram of ${plural(this.size, "byte")} is too large`
  readonly advice = "send less at once: at most 65,507 bytes over IPv4, and safely no more than 1,200"
}

/**
 * The process or the machine has no descriptors left (`EMFILE`, `ENFILE`).
 *
 * @category reasons
 * @since 0.1.0
 */
export class TooManyOpenFiles extends Data.TaggedClass("TooManyOpenFiles") {
  readonly message = "too many files and sockets are open"
  readonly advice = "close some, set a limit on connections, or raise the limit (ulimit -n)"
}

/**
 * The file at this path is not a socket (`ENOTSOCK`, `EEXIST`).
 *
 * @category reasons
 * @since 0.1.0
 */
export class NotASocket extends Data.TaggedClass("NotASocket") {
  readonly message = "something that is not a socket is at this path"
  readonly advice = "choose another path; nothing was removed"
}

/**
 * A Unix-domain path is longer than the system's `sun_path` (unix(7)); `limit` is in bytes.
 *
 * @category reasons
 * @since 0.1.0
 */
export class PathTooLong extends Data.TaggedClass("PathTooLong")<{ readonly limit?: number | undefined }> {
  readonly message: string = this.limit === undefined
    ? "the path is too long"
    : `the path is longer than ${this.limit} bytes`
  readonly advice = "choose a shorter path, for example below /tmp"
}

/**
 * No file is at this path, or a folder of it is missing (`ENOENT`).
 *
 * @category reasons
 * @since 0.1.0
 */
export class PathNotFound extends Data.TaggedClass("PathNotFound") {
  readonly message = "there is no such file or folder"
  readonly advice = "check the path, and that the server is running"
}

/**
 * An option with an invalid value, found before anything is opened.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidOption extends Data.TaggedClass("InvalidOption")<{
  readonly option: string
  readonly value: unknown
  readonly expected: string
}> {
  readonly message: string = `the option ${this.option} ` +
    (this.value === undefined ? "is missing" : `cannot be ${formatValue(this.value)}`)
  readonly advice: string = `expected ${this.expected}`
}

const formatValue = (value: unknown): string => {
  if (typeof value !== "object" || value === null) {
    return typeof value === "string"
      ? JSON.stringify(value)
      : String(value)
  }
  return Array.isArray(value) ? "such a list" : "such an object"
}

/**
 * The socket was closed on this side.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Closed extends Data.TaggedClass("Closed") {
  readonly message = "the socket is closed"
  readonly advice = "use it within the scope that opened it"
}

/**
 * A peer that is trusted to send a PROXY header sent none, or an invalid one; `fault` says why.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidProxyHeader extends Data.TaggedClass("InvalidProxyHeader")<{
  readonly fault: ProxyProtocolError.Reason
}> {
  readonly message: string = this.fault.message
  readonly advice = "let the proxy send one, or do not list its address as trusted"
}

/**
 * The platform does not support it.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Unsupported extends Data.TaggedClass("Unsupported")<{ readonly feature: string }> {
  readonly message: string = `${this.feature} is not supported here`
  readonly advice = "leave the option out, or use another platform"
}

/**
 * A reason without a class of its own; `code`, `syscall` and `cause` of the error say what is known.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Other extends Data.TaggedClass("Other")<{ readonly message: string }> {
  readonly advice = undefined
}
