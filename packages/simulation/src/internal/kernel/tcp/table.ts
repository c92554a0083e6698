import type * as Trace from "../../../Trace.ts"
import { RandomStream } from "../../time/random.ts"
import type { HostState } from "../host.ts"
import { bestMatches, type Bound, collide, EphemeralPorts } from "../ports.ts"
import type { Endpoint } from "./endpoint.ts"
import type { TcpListener } from "./listener.ts"
import { keyOf } from "./path.ts"
import { ACK, bare, RST, Segment, SYN } from "./segment.ts"

/** The TCP of one host: finds who a segment is for, and answers those that are for nobody. */
export class TcpTable {
  readonly #host: HostState
  readonly connections = new Map<string, Endpoint>()
  readonly listeners = new Map<number, Array<TcpListener>>()
  readonly #ephemeral: EphemeralPorts
  readonly #choice: RandomStream

  constructor(host: HostState) {
    this.#host = host
    this.#ephemeral = new EphemeralPorts(new RandomStream(host.world.seed, `${host.name}/tcp ports`))
    this.#choice = new RandomStream(host.world.seed, `${host.name}/reusePort`)
  }

  add(endpoint: Endpoint): void {
    this.connections.set(endpoint.key, endpoint)
  }

  remove(endpoint: Endpoint): void {
    if (this.connections.get(endpoint.key) === endpoint) this.connections.delete(endpoint.key)
  }

  /** A port to connect from, if one is left. */
  portTo(localAddress: string, remote: Trace.Socket): number | undefined {
    return this.#ephemeral.take((port) =>
      this.listeners.has(port) || !this.isFree({ address: localAddress, port }, remote)
    )
  }

  /** Whether no connection has these two ends. */
  isFree(local: Trace.Socket, remote: Trace.Socket): boolean {
    const endpoint = this.connections.get(keyOf(local, remote))
    if (endpoint?.state !== "TIME_WAIT") return endpoint === undefined
    endpoint.abort()
    return true
  }

  /** A port to listen on, if one is left. */
  portFor(bound: Omit<Bound, "port">): number | undefined {
    return this.#ephemeral.take((port) => this.isTaken({ ...bound, port }))
  }

  isTaken(bound: Bound): boolean {
    return this.listeners.get(bound.port)?.some((other) => collide(bound, other)) ?? false
  }

  listen(listener: TcpListener): void {
    const others = this.listeners.get(listener.port)
    if (others === undefined) this.listeners.set(listener.port, [listener])
    else others.push(listener)
  }

  unlisten(listener: TcpListener): void {
    const left = this.listeners.get(listener.port)?.filter((each) => each !== listener) ?? []
    if (left.length === 0) this.listeners.delete(listener.port)
    else this.listeners.set(listener.port, left)
  }

  receive(segment: Segment): void {
    const endpoint = this.connections.get(segment.key)
    if (endpoint !== undefined) return endpoint.receive(segment)
    if (segment.flags === SYN) {
      const matches = bestMatches(this.listeners.get(segment.destination.port) ?? [], segment.destination.address)
      const listener = matches.length > 1 ? matches[this.#choice.below(matches.length)] : matches[0]
      if (listener !== undefined) return listener.receive(segment)
    }
    if (!(segment.flags & RST)) this.#refuse(segment)
  }

  // RFC 9293, section 3.10.7.1
  #refuse(segment: Segment): void {
    const answer = segment.flags & ACK
      ? { ...bare, flags: RST, sequence: segment.acknowledgment, sequenceBase: segment.acknowledgmentBase }
      : {
        ...bare,
        flags: RST | ACK,
        acknowledgment: segment.end,
        acknowledgmentBase: segment.sequenceBase
      }
    const { destination, source } = segment
    const link = this.#host.linkTo(source.address)
    this.#host.send(new Segment(this.#host, link?.to, destination, source, keyOf(source, destination), answer), link)
  }

  /** Everything is gone at once, and nobody is told. */
  vanish(): void {
    for (const endpoint of this.connections.values()) endpoint.vanish()
    this.connections.clear()
    for (const listener of [...this.listeners.values()].flat()) listener.vanish()
    this.listeners.clear()
  }
}
