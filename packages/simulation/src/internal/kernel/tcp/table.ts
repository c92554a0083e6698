import type * as Trace from "../../../Trace.ts"
import type { IcmpError, WhyUnreachable } from "../../fabric/icmpError.ts"
import type { IpStack } from "../../fabric/ipStack.ts"
import { isIpv6 } from "../../fabric/packet.ts"
import { RandomStream } from "../../time/random.ts"
import type { Descriptors } from "../descriptors.ts"
import { bestMatches, BindTable, EphemeralPorts } from "../ports.ts"
import { isLoopback } from "../socketAddress.ts"
import type { Endpoint } from "./endpoint.ts"
import type { Breakage } from "./endpointListener.ts"
import type { TcpListener } from "./listener.ts"
import { keyOf, RST, type Segment, SYN } from "./segment.ts"
import type { TcpSettings } from "./settings.ts"

// As Linux has them (`icmp_err_convert`).
const errors: Readonly<Record<WhyUnreachable, Breakage>> = {
  network: "ENETUNREACH",
  host: "EHOSTUNREACH",
  port: "ECONNREFUSED",
  prohibited: "EHOSTUNREACH"
}

// Microseconds.
const reuseAfter = 1_000_000

// A wildcard of IPv6 is one of IPv4 too, unless it says otherwise; with connections the kernel does not ask.
const overlaps = (bound: string, address: string): boolean =>
  bound === address || bound === "::" || (bound === "0.0.0.0" && !isIpv6(address))

/** The TCP of one host: finds the connection or listener of a segment, and answers segments that have neither. */
export class TcpTable {
  readonly stack: IpStack
  readonly settings: TcpSettings
  readonly descriptors: Descriptors
  readonly connections = new Map<string, Endpoint>()
  readonly listeners: BindTable<TcpListener>
  readonly #ephemeral: EphemeralPorts
  readonly #choice: RandomStream

  constructor(stack: IpStack, settings: TcpSettings, descriptors: Descriptors) {
    this.stack = stack
    this.settings = settings
    this.descriptors = descriptors
    this.#ephemeral = new EphemeralPorts(
      settings.ephemeralPorts,
      new RandomStream(stack.seed, `${stack.name}/tcp ports`)
    )
    this.listeners = new BindTable(this.#ephemeral)
    this.#choice = new RandomStream(stack.seed, `${stack.name}/reusePort`)
  }

  add(endpoint: Endpoint): void {
    this.connections.set(endpoint.key, endpoint)
  }

  remove(endpoint: Endpoint): void {
    if (this.connections.get(endpoint.key) === endpoint) this.connections.delete(endpoint.key)
  }

  /** A port to connect from; `undefined` if none is free. */
  portTo(localAddress: string, remote: Trace.Socket): number | undefined {
    return this.#ephemeral.take((port) =>
      this.listeners.at(port).length > 0 || !this.#isFree({ address: localAddress, port }, remote)
    )
  }

  /** Whether a listener cannot bind a port because a connection has it (Linux, `inet_csk_bind_conflict`). */
  isInUse({ address, port }: Trace.Socket): boolean {
    for (const { local, reuseAddress } of this.connections.values()) {
      if (!reuseAddress && local.port === port && overlaps(address, local.address)) return true
    }
    return false
  }

  /** The ports that a listener on any port does not get because connections have them. */
  portsInUse(address: string): ReadonlySet<number> {
    const ports = new Set<number>()
    for (const { local } of this.connections.values()) if (overlaps(address, local.address)) ports.add(local.port)
    return ports
  }

  /**
   * Whether no connection has these two ends. One in TIME_WAIT counts for its minute, except that Linux lets a connection
   * over the loopback take its place after a second (`tcp_tw_reuse` is 2).
   */
  #isFree(local: Trace.Socket, remote: Trace.Socket): boolean {
    const endpoint = this.connections.get(keyOf(local, remote))
    if (endpoint === undefined) return true
    if (!isLoopback(local.address) || endpoint.state !== "TIME_WAIT" || endpoint.lingered < reuseAfter) return false
    endpoint.abort()
    return true
  }

  /**
   * Whether a program can connect from the port that it names. Linux lets the connection take the place of one that is over
   * at once, whatever `tcp_tw_reuse` says.
   */
  claim(local: Trace.Socket, remote: Trace.Socket): boolean {
    const endpoint = this.connections.get(keyOf(local, remote))
    if (endpoint === undefined) return true
    if (endpoint.lingered < 0) return false
    // Its peer hears nothing of that.
    if (endpoint.state === "TIME_WAIT") endpoint.abort()
    else endpoint.vanish()
    return true
  }

  receive(segment: Segment): void {
    const endpoint = this.connections.get(segment.key)
    if (endpoint !== undefined) return endpoint.receive(segment)
    if (segment.flags === SYN) {
      const matches = bestMatches(this.listeners.at(segment.destination.port), segment.destination.address)
      const listener = matches.length > 1 ? matches[this.#choice.below(matches.length)] : matches[0]
      if (listener !== undefined) return listener.receive(segment)
    }
    if (!(segment.flags & RST)) this.stack.send(segment.rejection(), this.stack.linkTo(segment.source.address))
  }

  /** A segment did not reach its destination. */
  receiveError({ destination: local, source: remote, why }: IcmpError): void {
    this.connections.get(keyOf(local, remote))?.receiveError(errors[why])
  }

  /** Closes all sockets, as the kernel does when a process dies. */
  orphan(): void {
    for (const listener of this.listeners.all) listener.close()
    for (const endpoint of this.connections.values()) endpoint.orphan()
  }

  /** Forgets all sockets and sends nothing: the machine has lost its power. */
  vanish(): void {
    for (const endpoint of this.connections.values()) endpoint.vanish()
    this.connections.clear()
    for (const listener of this.listeners.all) listener.vanish()
    this.listeners.clear()
  }
}
