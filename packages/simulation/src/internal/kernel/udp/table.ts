import type { Event } from "../../time/eventQueue.ts"
import { RandomStream } from "../../time/random.ts"
import type { HostState } from "../host.ts"
import { bestMatches, type Bound, collide, EphemeralPorts, takes } from "../ports.ts"
import { isMulticast } from "../socketAddress.ts"
import type { Datagram } from "./datagram.ts"
import type { UdpEndpoint } from "./socket.ts"

/** The UDP of one host: finds who a datagram is for, and tells senders of ports that nobody is at. */
export class UdpTable {
  readonly #host: HostState
  readonly sockets = new Map<number, Array<UdpEndpoint>>()
  readonly #ephemeral: EphemeralPorts
  readonly #choice: RandomStream

  constructor(host: HostState) {
    this.#host = host
    this.#ephemeral = new EphemeralPorts(new RandomStream(host.world.seed, `${host.name}/udp ports`))
    this.#choice = new RandomStream(host.world.seed, `${host.name}/udp reusePort`)
  }

  portFor(bound: Omit<Bound, "port">): number | undefined {
    return this.#ephemeral.take((port) => this.isTaken({ ...bound, port }))
  }

  isTaken(bound: Bound): boolean {
    return this.sockets.get(bound.port)?.some((other) => collide(bound, other)) ?? false
  }

  bind(socket: UdpEndpoint): void {
    const others = this.sockets.get(socket.port)
    if (others === undefined) this.sockets.set(socket.port, [socket])
    else others.push(socket)
  }

  unbind(socket: UdpEndpoint): void {
    const left = this.sockets.get(socket.port)?.filter((each) => each !== socket) ?? []
    if (left.length === 0) this.sockets.delete(socket.port)
    else this.sockets.set(socket.port, left)
  }

  hasJoined(group: string): boolean {
    for (const sockets of this.sockets.values()) {
      if (sockets.some((socket) => socket.hasJoined(group))) return true
    }
    return false
  }

  receive(datagram: Datagram): void {
    const { destination, source } = datagram
    const sockets = this.sockets.get(destination.port) ?? []
    if (isMulticast(destination.address)) return this.#toGroup(datagram, sockets)
    if (destination.address.endsWith(".255.255.255")) {
      for (const socket of sockets) {
        if (takes(socket, destination.address)) socket.receive(datagram)
      }
      return
    }
    const connected = sockets.filter((socket) =>
      socket.isConnected && socket.knows(source) && takes(socket, destination.address)
    )
    const matches = connected.length > 0
      ? connected
      : bestMatches(sockets.filter((socket) => !socket.isConnected), destination.address)
    if (matches.length === 0) return this.#unreachable(datagram)
    // Of several that share a port, one gets it: any, or the last that took the port over.
    const chosen = matches.every((socket) => socket.spreads) && matches.length > 1
      ? matches[this.#choice.below(matches.length)]!
      : matches[matches.length - 1]!
    chosen.receive(datagram)
  }

  #toGroup(datagram: Datagram, sockets: ReadonlyArray<UdpEndpoint>): void {
    const { destination, source } = datagram
    const isJoined = this.hasJoined(destination.address)
    for (const socket of sockets) {
      if (
        takes(socket, destination.address) && socket.knows(source) &&
        socket.hears(destination.address, source.address, isJoined)
      ) {
        socket.receive(datagram)
      }
    }
  }

  // ICMP, on the way back. It can be lost like everything else, but is not written down.
  #unreachable(datagram: Datagram): void {
    const { destination, from, source } = datagram
    const link = this.#host.linkToHost(from)
    if (link.cuts > 0) return
    const { engine } = this.#host.world
    const answer: Event = {
      at: 0,
      order: 0,
      cancelled: false,
      run: () => {
        for (const socket of from.udp.sockets.get(source.port) ?? []) {
          if (socket.isConnected && socket.knows(destination)) socket.refuse()
        }
      }
    }
    engine.schedule(answer, engine.now + link.typicalDelay)
  }

  vanish(): void {
    for (const socket of [...this.sockets.values()].flat()) socket.vanish()
    this.sockets.clear()
  }
}
