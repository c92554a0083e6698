import type { Packet } from "./packet.ts"

// Flows that a middlebox remembers; it forgets the oldest.
const limit = 65_536

/** What it looks at. */
type Facts = "protocol" | "source" | "destination" | "opens" | "resets"

interface Flow {
  /** Who sent the first packet. */
  readonly initiator: string
  lastAt: number
}

/**
 * The flows of a stateful firewall or a NAT between two hosts: TCP connections, which begin with SYN, and the datagrams between
 * two sockets, which either side may begin. A flow that has carried nothing for a time is forgotten; only its initiator can
 * begin it again.
 */
export class FlowTable {
  readonly #flows = new Map<string, Flow>()

  /** Whether a packet passes; one that may not begin a flow passes only in one that is open. Times are in microseconds. */
  passes(packet: Pick<Packet, Facts>, now: number, timeout: number, mayBegin = true): boolean {
    // It sends these itself, too.
    if (packet.protocol === "icmp" || packet.resets) return true
    const [near, far] = [endOf(packet.source), endOf(packet.destination)]
    const key = `${packet.protocol} ${near < far ? `${near} ${far}` : `${far} ${near}`}`
    const flow = this.#flows.get(key)
    const isOpen = flow !== undefined && now - flow.lastAt <= timeout
    const begins = packet.protocol === "tcp" ? packet.opens : flow === undefined || flow.initiator === near
    if (!isOpen && !(begins && mayBegin)) return false
    if (isOpen) flow.lastAt = now
    else this.#begin(key, { initiator: near, lastAt: now })
    return true
  }

  #begin(key: string, flow: Flow): void {
    this.#flows.delete(key)
    this.#flows.set(key, flow)
    if (this.#flows.size > limit) this.#flows.delete(this.#flows.keys().next().value!)
  }
}

const endOf = ({ address, port }: Packet["source"]): string => `${address} ${port}`
