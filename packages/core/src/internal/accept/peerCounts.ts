import type * as NetAddress from "effect/net/NetAddress"
import type { Prefix } from "../address/networkSet.ts"
import type { CloseObserver } from "../connection/state.ts"

/** The other end of a connection. Reading the address may parse it. */
export interface Peer {
  readonly remoteAddress: NetAddress.SocketAddress
}

/** One connection, counted from when the system accepted it until it is closed. */
export class Slot implements CloseObserver {
  #counts: PeerCounts | undefined
  peer: Peer
  source: Prefix | undefined
  // The neighbors in the list of all slots: a Set would give each slot a hash, and grow and shrink with each connection.
  previous: Slot | undefined = undefined
  next: Slot | undefined = undefined

  constructor(counts: PeerCounts, peer: Peer, source: Prefix | undefined) {
    this.#counts = counts
    this.peer = peer
    this.source = source
  }

  /** The connection is closed. */
  onClosed(): void {
    this.#counts?.remove(this)
    this.#counts = undefined
  }
}

/** How many connections each peer address has, handshakes in progress and waiting connections included. */
export class PeerCounts {
  #newest: Slot | undefined = undefined
  readonly #counts = new Map<Prefix, number>()

  /** Counts a connection; without a source it is only remembered, for a policy that counts later. */
  add(peer: Peer, source: Prefix | undefined): Slot {
    const slot = new Slot(this, peer, source)
    slot.previous = this.#newest
    if (this.#newest !== undefined) this.#newest.next = slot
    this.#newest = slot
    this.#count(source)
    return slot
  }

  /** Counts a connection by another address: a proxy has named its client. */
  move(slot: Slot, peer: Peer, source: Prefix | undefined): void {
    this.#discount(slot.source)
    slot.peer = peer
    slot.source = source
    this.#count(source)
  }

  remove(slot: Slot): void {
    const { next, previous } = slot
    if (previous !== undefined) previous.next = next
    if (next === undefined) this.#newest = previous
    else next.previous = previous
    // A closed connection that a program keeps must not keep its former neighbors.
    slot.previous = slot.next = undefined
    this.#discount(slot.source)
  }

  of(source: Prefix): number {
    return this.#counts.get(source) ?? 0
  }

  /** Counts all connections anew, by other sources. */
  recount(sourceOf: (peer: Peer) => Prefix | undefined): void {
    this.#counts.clear()
    for (let slot = this.#newest; slot !== undefined; slot = slot.previous) {
      slot.source = sourceOf(slot.peer)
      this.#count(slot.source)
    }
  }

  #count(source: Prefix | undefined): void {
    if (source !== undefined) this.#counts.set(source, this.of(source) + 1)
  }

  #discount(source: Prefix | undefined): void {
    if (source === undefined) return
    const left = this.of(source) - 1
    if (left === 0) this.#counts.delete(source)
    else this.#counts.set(source, left)
  }
}
