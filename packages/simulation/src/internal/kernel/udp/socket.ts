import type * as NetworkError from "@sluice/core/NetworkError"
import * as NetworkErrors from "@sluice/core/NetworkError"
import type * as Transport from "@sluice/core/Transport"
import type * as UdpSocket from "@sluice/core/UdpSocket"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Trace from "../../../Trace.ts"
import { copy } from "../../fabric/copyPool.ts"
import type { IpStack } from "../../fabric/ipStack.ts"
import type { LinkState } from "../../fabric/link.ts"
import type { Bound } from "../ports.ts"
import { fromInetAddress, isLoopback, isMulticast, isWildcard } from "../socketAddress.ts"
import { systemError } from "../systemError.ts"
import type { Submit } from "../tcp/stream.ts"
import { Datagram } from "./datagram.ts"
import type { UdpTable } from "./table.ts"

interface Membership {
  readonly group: string
  readonly source: string | undefined
  readonly interface: string | undefined
}

// Linux's net.core.rmem_default, in bytes; each datagram costs some beside its payload.
const defaultReceiveBuffer = 212_992
const overhead = 256

const isBroadcast = (address: string): boolean => address === "255.255.255.255" || address === "10.255.255.255"

/** A bound UDP socket. */
export class UdpEndpoint implements Transport.DatagramTransport, Bound {
  readonly #table: UdpTable
  readonly #stack: IpStack
  readonly #submit: Submit
  readonly #options: Transport.BindSettings
  readonly #receiver: Transport.DatagramReceiver
  readonly address: string
  readonly port: number
  readonly #peer: Trace.Socket | undefined
  readonly #memberships: Array<Membership> = []
  #received: Array<Datagram> = []
  #receivedBytes = 0
  #failure: string | undefined = undefined
  #telling = false
  #closed = false

  constructor(
    table: UdpTable,
    submit: Submit,
    bound: Trace.Socket,
    options: Transport.BindSettings,
    receiver: Transport.DatagramReceiver
  ) {
    this.#table = table
    this.#stack = table.stack
    this.#submit = submit
    this.#options = options
    this.#receiver = receiver
    this.port = bound.port
    this.#peer = options.peer === undefined ? undefined : fromInetAddress(options.peer)
    // A connected socket has the address that leads to its peer.
    this.address = this.#peer !== undefined && isWildcard(bound.address)
      ? table.stack.sourceFor(this.#peer.address) ?? bound.address
      : bound.address
  }

  get ipv6Only(): boolean {
    return this.#options.ipv6Only
  }

  get reusePort(): boolean {
    return this.#options.reusePort || this.#options.reuseAddress
  }

  get spreads(): boolean {
    return this.#options.reusePort
  }

  get localAddress(): NetAddress.InetAddress {
    return NetAddress.inetAddressFromIpStringUnsafe(this.address, this.port)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Sending
  // -------------------------------------------------------------------------------------------------------------------

  send(
    payload: Uint8Array,
    to: Transport.DatagramSource | undefined,
    done: (error?: NetworkError.NetworkError) => void
  ): void {
    const destination = to === undefined ? this.#peer! : canonical(to)
    const source = this.#sourceTo(destination.address)
    const code = this.#refuses(payload, destination)
    if (source === undefined || code !== undefined) {
      return done(this.#refusal(payload, destination, code ?? "ENETUNREACH"))
    }
    const kept = copy(payload)
    if (isMulticast(destination.address)) this.#toGroup(kept, source, destination)
    else if (isBroadcast(destination.address)) this.#toAll(kept, source, destination)
    else this.#emit(kept, source, destination, this.#stack.linkTo(destination.address))
    done()
  }

  #refuses(payload: Uint8Array, { address, port }: Trace.Socket): string | undefined {
    if (this.#closed) return "EBADF"
    if (!this.#stack.isPowered) return "ENETDOWN"
    if (payload.length > 65507 && (payload.length > 65527 || !address.includes(":"))) return "EMSGSIZE"
    if (isBroadcast(address) && !this.#options.broadcast) return "EACCES"
    return port === 0 ? "EINVAL" : undefined
  }

  #refusal(payload: Uint8Array, destination: Trace.Socket, code: string): NetworkError.NetworkError {
    const address = formatSocket(destination)
    if (code !== "EMSGSIZE") return systemError("send", address, code, "send")
    const reason = new NetworkErrors.MessageTooLarge({ size: payload.length })
    return new NetworkErrors.NetworkError({ operation: "send", address, reason, code, syscall: "send" })
  }

  #sourceTo(address: string): Trace.Socket | undefined {
    const stack = this.#stack
    if (!isWildcard(this.address)) {
      return isMulticast(this.address) || this.address.includes(":") !== address.includes(":")
        ? socketAt(stack.sourceFor(address), this.port)
        : { address: this.address, port: this.port }
    }
    // A socket bound to all IPv4 addresses has no IPv6 one.
    if (address.includes(":") && this.address === "0.0.0.0") return undefined
    if (isMulticast(address) && this.#options.multicastInterface === "127.0.0.1") {
      return socketAt("127.0.0.1", this.port)
    }
    return socketAt(stack.sourceFor(address), this.port)
  }

  #emit(payload: Uint8Array, source: Trace.Socket, destination: Trace.Socket, link: LinkState | undefined): void {
    this.#stack.send(new Datagram(this.#stack, link?.to, source, destination, payload), link)
  }

  #toGroup(payload: Uint8Array, source: Trace.Socket, destination: Trace.Socket): void {
    const onlyHere = source.address === "127.0.0.1" || source.address === "::1" || this.#options.multicastTtl === 0
    for (const machine of this.#stack.machines) {
      const isHere = machine === this.#stack
      if (isHere ? this.#options.multicastLoopback === false : onlyHere) continue
      if (machine.hasJoined(destination.address)) {
        this.#emit(payload, source, destination, this.#stack.linkToMachine(machine))
      }
    }
  }

  #toAll(payload: Uint8Array, source: Trace.Socket, destination: Trace.Socket): void {
    for (const machine of this.#stack.machines) {
      this.#emit(payload, source, destination, this.#stack.linkToMachine(machine))
    }
  }

  parse(source: Transport.DatagramSource): NetAddress.InetAddress {
    return NetAddress.inetAddressFromIpStringUnsafe(source.address, source.port)
  }

  isLocal(address: string): boolean {
    return this.#stack.owns(fromInetAddress(NetAddress.inetAddressFromIpStringUnsafe(address, 0)).address)
  }

  format(address: NetAddress.InetAddress): Transport.DatagramSource {
    return fromInetAddress(address)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Groups
  // -------------------------------------------------------------------------------------------------------------------

  joinMulticast(
    membership: UdpSocket.Membership<NetAddress.IpAddress>
  ): Effect.Effect<void, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      const code = this.#refusesMembership(membershipOf(membership))
      if (code !== undefined) {
        return Effect.fail(
          systemError("join", `udp://${NetAddress.formatInet(this.localAddress)}`, code, "setsockopt")
        )
      }
      this.#memberships.push(membershipOf(membership))
      return Effect.void
    })
  }

  /** Why Linux refuses a membership (ip(7), and `ip_mc_join_group` and `ip_mc_source` of its source), if it does. */
  #refusesMembership({ group, interface: at, source }: Membership): string | undefined {
    if (this.#closed) return "EBADF"
    if (at !== undefined && !at.includes(":") && !this.#stack.owns(at) && !isWildcard(at)) return "ENODEV"
    const joined = this.#memberships.filter((each) => each.group === group && isSameInterface(each.interface, at))
    if (source === undefined) return joined.length > 0 ? "EADDRINUSE" : undefined
    return joined.some((each) => each.source === source) ? "EADDRNOTAVAIL" : undefined
  }

  leaveMulticast(membership: UdpSocket.Membership<NetAddress.IpAddress>): Effect.Effect<void> {
    return Effect.sync(() => {
      const { group, interface: at, source } = membershipOf(membership)
      const index = this.#memberships.findIndex((each) =>
        each.group === group && each.source === source && isSameInterface(each.interface, at)
      )
      if (index !== -1) this.#memberships.splice(index, 1)
    })
  }

  hasJoined(group: string): boolean {
    return this.#memberships.some((each) => each.group === group)
  }

  /** Whether this socket gets what a sender sends to a group; `isJoined` says whether another socket of its host did join. */
  hears(group: string, source: string, isJoined: boolean): boolean {
    const own = this.#memberships.filter((each) => each.group === group)
    if (own.length === 0) return isJoined && !group.includes(":")
    return own.some((each) => each.source === undefined || each.source === source)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Receiving
  // -------------------------------------------------------------------------------------------------------------------

  /** Whether it talks to this sender. */
  knows(source: Trace.Socket): boolean {
    return this.#peer === undefined || (this.#peer.address === source.address && this.#peer.port === source.port)
  }

  get isConnected(): boolean {
    return this.#peer !== undefined
  }

  receive(datagram: Datagram): void {
    const size = datagram.payload.length + overhead
    if (this.#receivedBytes + size > Math.max(size, this.#options.receiveBufferSize ?? defaultReceiveBuffer)) {
      return datagram.drop("bufferFull")
    }
    this.#received.push(datagram)
    this.#receivedBytes += size
    this.#tell()
  }

  /** An ICMP error has come about something that was sent. */
  fail(code: string): void {
    this.#failure = code
    this.#tell()
  }

  #tell(): void {
    if (this.#telling || this.#closed) return
    this.#telling = true
    this.#submit(this.#tellNow)
  }

  readonly #tellNow = (): void => {
    this.#telling = false
    const received = this.#received
    this.#received = []
    this.#receivedBytes = 0
    for (const datagram of received) {
      if (this.#closed) return
      this.#receiver.onDatagram(copy(datagram.payload), datagram.source)
    }
    const failure = this.#failure
    if (failure !== undefined && !this.#closed) {
      this.#failure = undefined
      this.#receiver.onError(
        systemError("receive", `udp://${NetAddress.formatInet(this.localAddress)}`, failure, "recvmsg")
      )
    }
  }

  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.#closed = true
    this.#table.descriptors.close(this)
    this.#table.sockets.unbind(this)
  })

  /** The machine has lost its power, or the process has died. */
  vanish(): void {
    if (this.#closed) return
    this.#closed = true
    this.#submit(() =>
      this.#receiver.onError(
        systemError("receive", `udp://${NetAddress.formatInet(this.localAddress)}`, "ENETDOWN", "recvmsg")
      )
    )
  }
}

const formatSocket = ({ address, port }: Trace.Socket): string =>
  address.includes(":") ? `udp://[${address}]:${port}` : `udp://${address}:${port}`

const canonical = (to: Transport.DatagramSource): Trace.Socket =>
  to.address.startsWith("::ffff:") && to.address.includes(".")
    ? { address: to.address.slice("::ffff:".length), port: to.port }
    : to

const socketAt = (address: string | undefined, port: number): Trace.Socket | undefined =>
  address === undefined ? undefined : { address, port }

const membershipOf = (membership: UdpSocket.Membership<NetAddress.IpAddress>): Membership => ({
  group: NetAddress.formatIp(membership.group),
  source: membership.source === undefined ? undefined : NetAddress.formatIp(membership.source),
  interface: membership.interface
})

// A host has one interface beside the loopback one.
const isSameInterface = (a: string | undefined, b: string | undefined): boolean =>
  isLoopbackInterface(a) === isLoopbackInterface(b)

const isLoopbackInterface = (at: string | undefined): boolean =>
  at !== undefined && (isLoopback(at) || at.endsWith("%lo"))
