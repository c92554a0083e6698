import type { IcmpError } from "../../fabric/icmpError.ts"
import type { IpStack } from "../../fabric/ipStack.ts"
import { RandomStream } from "../../time/random.ts"
import type { Descriptors } from "../descriptors.ts"
import { bestMatches, BindTable, EphemeralPorts, type PortRange, takes } from "../ports.ts"
import { isMulticast } from "../socketAddress.ts"
import type { Datagram } from "./datagram.ts"
import type { UdpEndpoint } from "./socket.ts"

/** The UDP of one host: finds the sockets of a datagram, and answers datagrams that have none. */
export class UdpTable {
  readonly stack: IpStack
  readonly descriptors: Descriptors
  readonly sockets: BindTable<UdpEndpoint>
  readonly #choice: RandomStream

  constructor(stack: IpStack, ephemeralPorts: PortRange, descriptors: Descriptors) {
    this.stack = stack
    this.descriptors = descriptors
    const random = new RandomStream(stack.seed, `${stack.name}/udp ports`)
    this.sockets = new BindTable(new EphemeralPorts(ephemeralPorts, random))
    this.#choice = new RandomStream(stack.seed, `${stack.name}/udp reusePort`)
  }

  hasJoined(group: string): boolean {
    return this.sockets.all.some((socket) => socket.hasJoined(group))
  }

  receive(datagram: Datagram): void {
    const { destination, source } = datagram
    const sockets = this.sockets.at(destination.port)
    if (isMulticast(destination.address)) return this.#toGroup(datagram, sockets)
    if (destination.address.endsWith(".255.255.255")) {
      for (const socket of sockets) {
        if (takes(socket, destination.address)) socket.receive(datagram)
      }
      return
    }
    if (sockets.length === 1) return this.#toOnly(datagram, sockets[0]!)
    const connected = sockets.filter((socket) =>
      socket.isConnected && socket.knows(source) && takes(socket, destination.address)
    )
    const matches = connected.length > 0
      ? connected
      : bestMatches(sockets.filter((socket) => !socket.isConnected), destination.address)
    if (matches.length === 0) return this.#unreachable(datagram)
    // Of several sockets that share a port, one gets it: any, or the last that took the port over.
    const chosen = matches.every((socket) => socket.spreads)
      ? matches[this.#choice.below(matches.length)]!
      : matches[matches.length - 1]!
    chosen.receive(datagram)
  }

  #toOnly(datagram: Datagram, socket: UdpEndpoint): void {
    if (!socket.knows(datagram.source) || !takes(socket, datagram.destination.address)) {
      return this.#unreachable(datagram)
    }
    // A choice among sockets that share a port: later choices do not depend on how many there are now.
    if (socket.spreads) this.#choice.below(1)
    socket.receive(datagram)
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

  #unreachable(datagram: Datagram): void {
    this.stack.send(datagram.rejection(), this.stack.linkToMachine(datagram.from))
  }

  /**
   * A datagram did not arrive: only a connected socket hears of it, and not of errors that may pass (Linux,
   * `icmp_err_convert`).
   */
  receiveError({ destination: local, source: remote, why }: IcmpError): void {
    const code = why === "port" ? "ECONNREFUSED" : why === "prohibited" ? "EHOSTUNREACH" : undefined
    if (code === undefined) return
    for (const socket of this.sockets.at(local.port)) {
      if (socket.isConnected && socket.knows(remote)) socket.fail(code)
    }
  }

  /** All sockets are gone. */
  vanish(): void {
    for (const socket of this.sockets.all) socket.vanish()
    this.sockets.clear()
  }
}
