import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import type * as UdpSocket from "../../UdpSocket.ts"
import { reaches } from "./family.ts"
import { checkMembership } from "./membership.ts"
import type { Bind } from "./options.ts"

export const typeId = "~@sluice/core/UdpSocket"

/** A datagram whose source is parsed when it is read. */
export class DatagramState implements UdpSocket.Datagram {
  readonly payload: Uint8Array
  readonly origin: Transport.DatagramSource
  readonly #transport: Transport.DatagramTransport

  constructor(payload: Uint8Array, origin: Transport.DatagramSource, transport: Transport.DatagramTransport) {
    this.payload = payload
    this.origin = origin
    this.#transport = transport
  }

  get source(): NetAddress.InetAddress {
    return NetAddress.toCanonical(this.#transport.parse(this.origin))
  }
}

/** Called with one datagram, or with the error. */
export type Receiver = (datagram: DatagramState | undefined, error: NetworkError.NetworkError | undefined) => void

/** A bound datagram socket: a bounded queue of received datagrams, and the receivers that wait for one. */
export class UdpSocketState implements UdpSocket.UdpSocket, Transport.DatagramReceiver {
  readonly [typeId]: typeof typeId = typeId
  /** The datagrams that went through the socket. */
  readonly traffic = { received: 0, sent: 0, dropped: 0 }
  readonly endpoint: string
  readonly #options: Bind & Pick<Transport.BindSettings, "peer">
  #queue: Array<DatagramState> = []
  #receivers: Array<Receiver> = []
  // Whether a receiver was resumed in this turn of the event loop. Resuming a fiber is expensive, so the other datagrams of
  // the turn wait in the queue, and the fiber takes them all.
  #isHolding = false
  // How many datagrams each resume a receiver from now on, because the last turn received few.
  #single = 0
  #transport: Transport.DatagramTransport | undefined = undefined
  // An ICMP error about datagrams sent before that no receiver has seen yet.
  #notice: NetworkError.NetworkError | undefined = undefined
  #closed: NetworkError.NetworkError | undefined = undefined
  #address: NetAddress.InetAddress | undefined = undefined
  readonly #memberships = new Set<string>()

  constructor(endpoint: string, options: Bind & Pick<Transport.BindSettings, "peer">) {
    this.endpoint = endpoint
    this.#options = options
  }

  open(transport: Transport.DatagramTransport): void {
    this.#transport = transport
    this.#address = NetAddress.toCanonical(transport.localAddress)
  }

  get address(): NetAddress.InetAddress {
    return this.#address!
  }

  onDatagram(payload: Uint8Array, source: Transport.DatagramSource): void {
    // Nothing can be received before `bind` has returned the socket.
    if (this.#transport === undefined || this.#closed !== undefined) return
    this.traffic.received++
    this.#notice = undefined
    const datagram = new DatagramState(payload, source, this.#transport)
    if (!this.#isHolding && this.#receivers.length > 0) {
      if (this.#transport.afterTurn !== undefined && this.#single-- <= 0) {
        this.#isHolding = true
        this.#transport.afterTurn(this.#release)
      }
      return this.#receivers.shift()!(datagram, undefined)
    }
    const { queueCapacity, queueOverflow } = this.#options
    if (this.#queue.length >= queueCapacity) this.#serve()
    if (this.#queue.length >= queueCapacity) {
      this.traffic.dropped++
      if (queueOverflow === "dropNewest") return
      this.#queue.shift()
    }
    this.#queue.push(datagram)
  }

  /** Gives the datagrams of the queue to the receivers that wait. */
  #serve(): void {
    while (this.#queue.length > 0 && this.#receivers.length > 0) this.take(this.#receivers.shift()!)
  }

  readonly #release = (): void => {
    this.#isHolding = false
    this.#single = this.#queue.length < 4 ? 32 : 0
    this.#serve()
  }

  onError(error: NetworkError.NetworkError): void {
    this.#serve()
    if (this.#receivers.length === 0) this.#notice = error
    this.#failReceivers(error)
  }

  #failReceivers(error: NetworkError.NetworkError): void {
    const receivers = this.#receivers
    this.#receivers = []
    for (const receiver of receivers) receiver(undefined, error)
  }

  /** Gives the next datagram to a receiver: at once if a datagram waits. */
  take(receiver: Receiver): void {
    const datagram = this.#queue.shift()
    if (datagram !== undefined) return receiver(datagram, undefined)
    const error = this.#closed ?? this.#notice
    this.#notice = undefined
    if (error !== undefined) receiver(undefined, error)
    else this.#receivers.push(receiver)
  }

  /** Removes a receiver that waits. */
  forget(receiver: Receiver): void {
    this.#receivers = this.#receivers.filter((each) => each !== receiver)
  }

  #wait<A>(map: (datagram: DatagramState) => A): Effect.Effect<A, NetworkError.NetworkError> {
    const waiting = Effect.callback<A, NetworkError.NetworkError>((resume) => {
      const receiver: Receiver = (datagram, error) =>
        resume(datagram === undefined ? Effect.fail(error!) : Effect.succeed(map(datagram)))
      this.take(receiver)
      return Effect.sync(() => this.forget(receiver))
    })
    return Effect.suspend(() => {
      const datagram = this.#queue.shift()
      return datagram === undefined ? waiting : Effect.succeed(map(datagram))
    })
  }

  readonly receive: Effect.Effect<DatagramState, NetworkError.NetworkError> = this.#wait((datagram) => datagram)

  readonly receiveAll: Effect.Effect<Arr.NonEmptyReadonlyArray<DatagramState>, NetworkError.NetworkError> = Effect
    .suspend(() => {
      if (this.#queue.length < 2) return this.#waitForOne
      const all = this.#queue
      this.#queue = []
      return Effect.succeed(all as unknown as Arr.NonEmptyReadonlyArray<DatagramState>)
    })

  readonly #waitForOne = this.#wait((datagram) => [datagram] as const)

  send(
    payload: Uint8Array | string,
    to: NetAddress.InetAddress | undefined
  ): Effect.Effect<void, NetworkError.NetworkError> {
    const reason = this.#refusal(to)
    if (reason !== undefined) {
      const address = to === undefined ? this.endpoint : `udp://${NetAddress.formatInet(to)}`
      return Effect.fail(NetworkError.make("send", address, reason))
    }
    return this.#sendTo(payload, to === undefined ? undefined : this.#transport!.format(NetAddress.toCanonical(to)))
  }

  #refusal(to: NetAddress.InetAddress | undefined): NetworkError.Reason | undefined {
    if (to === undefined) {
      const expected = "where to send to, or a socket with a peer"
      return this.#options.peer === undefined
        ? new NetworkError.InvalidOption({ option: "to", value: to, expected })
        : undefined
    }
    if (to.port === 0) return portZero(NetAddress.formatInet(to))
    return reaches(this.address, this.#options.ipv6Only, NetAddress.toCanonical(to))
      ? undefined
      : new NetworkError.AddressFamilyMismatch({
        socket: NetAddress.familyOf(this.address),
        address: NetAddress.formatInet(to)
      })
  }

  reply(datagram: DatagramState, payload: Uint8Array | string): Effect.Effect<void, NetworkError.NetworkError> {
    if (this.#options.peer !== undefined) return this.#sendTo(payload, undefined)
    // Port 0 is "no reply expected" (RFC 768).
    if (datagram.origin.port === 0) {
      const source = NetAddress.formatInet(datagram.source)
      return Effect.fail(NetworkError.make("send", `udp://${source}`, portZero(source)))
    }
    return this.#sendTo(payload, datagram.origin)
  }

  #sendTo(
    payload: Uint8Array | string,
    to: Transport.DatagramSource | undefined
  ): Effect.Effect<void, NetworkError.NetworkError> {
    return Effect.callback((resume) => {
      const bytes = typeof payload === "string" ? encoder.encode(payload) : payload
      this.hand(bytes, to, (error) => resume(error === undefined ? Effect.void : Effect.fail(error)))
    })
  }

  /** Whether a datagram comes from this socket: from a local address and its port. */
  sent(source: Transport.DatagramSource): boolean {
    const { address } = this
    if (source.port !== address.port) return false
    return NetAddress.isUnspecified(address.address)
      ? this.#transport!.isLocal(source.address)
      : source.address === this.#transport!.format(address).address
  }

  get isConnected(): boolean {
    return this.#options.peer !== undefined
  }

  /** Passes a datagram to the system, and calls back once when the system has taken it. */
  hand(
    payload: Uint8Array,
    to: Transport.DatagramSource | undefined,
    done: (error: NetworkError.NetworkError | undefined) => void
  ): void {
    if (this.#closed !== undefined) return done(this.#error("send", new NetworkError.Closed()))
    this.#transport!.send(payload, to, (error) => {
      if (error === undefined) this.traffic.sent++
      done(error)
    })
  }

  join(membership: UdpSocket.Membership): Effect.Effect<void, NetworkError.NetworkError, Scope.Scope> {
    return Effect.suspend(() => {
      if (this.#closed !== undefined) return Effect.fail(this.#error("join", new NetworkError.Closed()))
      const transport = this.#transport!
      return Effect.flatMap(
        Effect.fromResult(checkMembership(membership, this.address, this.#options.ipv6Only, this.endpoint)),
        (checked) => {
          const { group, interface: at, source } = checked
          const key = [group, source, at].join(" ")
          if (this.#memberships.has(key)) {
            return Effect.fail(this.#error("join", new NetworkError.AddressInUse({ what: "group" })))
          }
          return Effect.acquireRelease(
            Effect.tap(transport.joinMulticast(checked), () => Effect.sync(() => this.#memberships.add(key))),
            () => {
              this.#memberships.delete(key)
              return this.#closed === undefined ? transport.leaveMulticast(checked) : Effect.void
            }
          )
        }
      )
    })
  }

  #error(operation: NetworkError.Operation, reason: NetworkError.Reason): NetworkError.NetworkError {
    return NetworkError.make(operation, this.endpoint, reason)
  }

  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#closed ??= this.#error("receive", new NetworkError.Closed())
      this.#queue = []
      this.#failReceivers(this.#closed)
      return this.#transport!.close
    })
  }
}

const encoder = new TextEncoder()

const portZero = (input: string) =>
  new NetworkError.InvalidEndpoint({ input, part: "port", expected: "a port from 1 to 65535" })
