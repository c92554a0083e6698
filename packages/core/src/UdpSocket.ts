/**
 * A bound datagram socket: UDP, unicast, broadcast or multicast.
 *
 * `Network.bind` opens one. Received datagrams wait in a bounded queue; when it is full, datagrams are dropped and counted.
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
 *
 * @since 0.1.0
 */
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as NetAddress from "effect/net/NetAddress"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type DatagramState, typeId, type UdpSocketState } from "./internal/udp/udpSocket.ts"
import * as NetworkError from "./NetworkError.ts"

/**
 * A datagram socket.
 *
 * @category models
 * @since 0.1.0
 */
export interface UdpSocket {
  readonly [typeId]: typeof typeId
  /** The address that it is bound to, with the port that the system chose. */
  readonly address: NetAddress.InetAddress
}

/**
 * A received datagram. Its payload may be kept.
 *
 * @category models
 * @since 0.1.0
 */
export interface Datagram {
  readonly payload: Uint8Array
  /** The sender. An IPv4 sender is an IPv4 address on every socket, `[::]` included. It is parsed when it is read. */
  readonly source: NetAddress.InetAddress
}

/**
 * A destination: an address, or text such as `"127.0.0.1:5353"` or `"[::1]:5353"`.
 *
 * @category models
 * @since 0.1.0
 */
export type Destination = NetAddress.InetAddress | string

/**
 * A membership in a multicast group.
 *
 * @category models
 * @since 0.1.0
 */
export interface Membership<out Address extends NetAddress.IpAddressInput = NetAddress.IpAddressInput> {
  /** The group, of the socket's family. */
  readonly group: Address
  /** Receive from this sender only (RFC 4607). Default: every sender. */
  readonly source?: Address | undefined
  /**
   * The interface to receive on: its IPv4 address, or an IPv6 address with the zone of the interface, such as
   * `"::%eth0"`. Default: the system's choice.
   */
  readonly interface?:
    | (Address extends NetAddress.IpAddress ? string : string | NetAddress.MulticastInterface)
    | undefined
}

const state = (self: UdpSocket): UdpSocketState => self as UdpSocketState

/**
 * Receives the next datagram, or waits for it. An interrupted receive loses no datagram.
 *
 * Fails with `Closed` once the socket is closed, and on a connected socket with `ConnectionRefused` when no socket is bound
 * at the peer's address.
 *
 * @category reading
 * @since 0.1.0
 */
export const receive = (self: UdpSocket): Effect.Effect<Datagram, NetworkError.NetworkError> => state(self).receive

/**
 * Receives all datagrams of the queue, or waits for one.
 *
 * @category reading
 * @since 0.1.0
 */
export const receiveAll = (
  self: UdpSocket
): Effect.Effect<Arr.NonEmptyReadonlyArray<Datagram>, NetworkError.NetworkError> => state(self).receiveAll

/**
 * The datagrams as a Stream. It fails with `Closed` when the socket is closed.
 *
 * @category reading
 * @since 0.1.0
 */
export const datagrams = (self: UdpSocket): Stream.Stream<Datagram, NetworkError.NetworkError> =>
  Stream.fromPull(Effect.succeed(state(self).receiveAll))

/**
 * Sends one datagram, and returns when the system has taken it. Without `to` it goes to the peer of a connected socket.
 * Text is sent as UTF-8. A socket bound to `[::]` sends to IPv4 as well, unless it has `ipv6Only`.
 *
 * Fails with `MessageTooLarge`, `Unreachable`, `AddressFamilyMismatch`, `PermissionDenied` (broadcasting without the
 * option `broadcast`), `InvalidEndpoint` (port 0), and on a connected socket with `ConnectionRefused`.
 *
 * @category writing
 * @since 0.1.0
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
} = dual((args) => Predicate.hasProperty(args[0], typeId), (
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

/**
 * Sends a datagram to the source of another. The address is not parsed.
 *
 * Fails as `send` does; with `InvalidEndpoint` when the source has port 0, which expects no reply (RFC 768).
 *
 * @category writing
 * @since 0.1.0
 */
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
 * Fails with `AddressNotAvailable` when there is no such interface, `AddressInUse` when the socket has joined the group
 * already, `AddressFamilyMismatch` when the group or the source is of the other family, `InvalidOption` when an address
 * or the interface is invalid, `Closed`, and `Unsupported` where the platform has no multicast.
 *
 * @category multicast
 * @since 0.1.0
 */
export const join: {
  (membership: Membership): (self: UdpSocket) => Effect.Effect<void, NetworkError.NetworkError, Scope.Scope>
  (self: UdpSocket, membership: Membership): Effect.Effect<void, NetworkError.NetworkError, Scope.Scope>
} = dual(2, (
  self: UdpSocket,
  membership: Membership
): Effect.Effect<void, NetworkError.NetworkError, Scope.Scope> => state(self).join(membership))

/**
 * The number of datagrams that were dropped because the queue was full.
 *
 * @category observing
 * @since 0.1.0
 */
export const dropped = (self: UdpSocket): number => state(self).traffic.dropped

const invalidDestination = (input: string) =>
  new NetworkError.InvalidEndpoint({ input, part: "endpoint", expected: "an address, as in 127.0.0.1:5353" })
