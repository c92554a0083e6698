/**
 * A bound datagram socket: UDP, unicast, broadcast or multicast.
 *
 * `Network.bind` opens one. Datagrams wait in a bounded queue until they are received; what does not fit is dropped, as
 * UDP may, and counted.
 *
 * **Example** (a server that answers what it gets)
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import * as UdpSocket from "@sluice/core/UdpSocket"
 * import * as Effect from "effect/Effect"
 *
 * const echo = Effect.scoped(Effect.gen(function*() {
 *   const socket = yield* Network.bind("udp://127.0.0.1:5353")
 *   while (true) {
 *     const datagram = yield* UdpSocket.receive(socket)
 *     yield* UdpSocket.reply(socket, datagram, datagram.payload)
 *   }
 * }))
 * ```
 */
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DatagramState, typeId, UdpSocketState } from "./internal/udp/udpSocket.ts"
import * as NetworkError from "./NetworkError.ts"

/** A datagram socket. */
export interface UdpSocket {
  readonly [typeId]: typeof typeId
  /** The address that it is bound to, with the port that the system chose. */
  readonly address: NetAddress.InetAddress
}

/** A datagram that was received. Its payload may be kept. */
export interface Datagram {
  readonly payload: Uint8Array
  /** Where it came from. */
  readonly source: NetAddress.InetAddress
}

/** Somewhere to send to: an address, or `"127.0.0.1:5353"`, or `"[::1]:5353"`. */
export type Destination = NetAddress.InetAddress | string

/** A group to join: `source` hears one sender only (RFC 4607); `interface` is an IPv4 address or an IPv6 scope. */
export interface Membership {
  readonly group: NetAddress.IpAddressInput
  readonly source?: NetAddress.IpAddressInput | undefined
  readonly interface?: string | undefined
}

const state = (self: UdpSocket): UdpSocketState => self as UdpSocketState

/**
 * Receives the next datagram, or waits for it. Fails with `Closed` once the socket is closed, and on a connected socket
 * with `ConnectionRefused` when nobody is there. An interrupted receive loses nothing.
 */
export const receive = (self: UdpSocket): Effect.Effect<Datagram, NetworkError.NetworkError> => state(self).receive

/** Receives everything that has come since, at least one datagram. */
export const receiveAll = (
  self: UdpSocket
): Effect.Effect<Arr.NonEmptyReadonlyArray<Datagram>, NetworkError.NetworkError> => state(self).receiveAll

/** All datagrams, as a Stream that goes on until the socket is closed. */
export const datagrams = (self: UdpSocket): Stream.Stream<Datagram, NetworkError.NetworkError> =>
  Stream.fromPull(Effect.succeed(state(self).receiveAll))

/**
 * Sends one datagram; returns when the system has taken it. `to` is left out on a connected socket. Text is sent as UTF-8.
 *
 * Fails with `MessageTooLarge`, `Unreachable`, `PermissionDenied` (broadcasting without the option), or, on a connected
 * socket, `ConnectionRefused`.
 */
export const send: {
  (
    payload: Uint8Array | string,
    to?: Destination
  ): (self: UdpSocket) => Effect.Effect<void, NetworkError.NetworkError>
  (
    self: UdpSocket,
    payload: Uint8Array | string,
    to?: Destination
  ): Effect.Effect<void, NetworkError.NetworkError>
} = dual((args) => isUdpSocket(args[0]), (
  self: UdpSocket,
  payload: Uint8Array | string,
  to?: Destination
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    if (typeof to !== "string") return state(self).send(payload, to)
    const address = NetAddress.inetAddressFromString(to)
    return Result.isSuccess(address)
      ? state(self).send(payload, address.success)
      : Effect.fail(NetworkError.make("send", to, invalidDestination(to)))
  }))

/** Sends a datagram back to where another came from. The cheapest way to answer: the address is not even parsed. */
export const reply: {
  (datagram: Datagram, payload: Uint8Array | string): (
    self: UdpSocket
  ) => Effect.Effect<void, NetworkError.NetworkError>
  (
    self: UdpSocket,
    datagram: Datagram,
    payload: Uint8Array | string
  ): Effect.Effect<void, NetworkError.NetworkError>
} = dual(3, (
  self: UdpSocket,
  datagram: Datagram,
  payload: Uint8Array | string
): Effect.Effect<void, NetworkError.NetworkError> => state(self).reply(datagram as DatagramState, payload))

/**
 * Joins a multicast group for as long as the Scope is open.
 *
 * Fails with `AddressNotAvailable` when there is no such interface, `InvalidOption` when the group is no multicast
 * address, and `Unsupported` where the platform cannot do it.
 */
export const join: {
  (membership: Membership): (self: UdpSocket) => Effect.Effect<void, NetworkError.NetworkError, Scope.Scope>
  (self: UdpSocket, membership: Membership): Effect.Effect<void, NetworkError.NetworkError, Scope.Scope>
} = dual(2, (
  self: UdpSocket,
  membership: Membership
): Effect.Effect<void, NetworkError.NetworkError, Scope.Scope> => state(self).join(membership))

/** The datagrams that were dropped because the queue was full. */
export const dropped = (self: UdpSocket): number => state(self).traffic.dropped

/** Whether a value is a `UdpSocket`. */
export const isUdpSocket = (u: unknown): u is UdpSocket =>
  typeof u === "object" && u !== null && "~@sluice/core/UdpSocket" in u

const invalidDestination = (input: string) =>
  new NetworkError.InvalidEndpoint({ input, part: "endpoint", expected: "an address, as in 127.0.0.1:5353" })
