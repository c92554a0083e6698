import type * as NetAddress from "effect/net/NetAddress"
import type { Prefix } from "../address/networkSet.ts"
import { Chain, type Link } from "../collection/chain.ts"
import type { CloseObserver } from "../connection/state.ts"

/** The other end of a connection. Reading the address may parse it. */
export interface Peer {
  readonly remoteAddress: NetAddress.SocketAddress
}

/** One connection, counted from when the system accepted it until it is closed. */
export class Slot implements CloseObserver, Link<Slot> {
  readonly #counts: PeerCounts
  peer: Peer
  source: Prefix | undefined = undefined
  previous: Slot | undefined = undefined
  next: Slot | undefined = undefined

  constructor(counts: PeerCounts, peer: Peer) {
    this.#counts = counts
    this.peer = peer
  }

  /** The connection is closed. */
  onClosed(): void {
    this.#counts.remove(this)
  }
}

/** How many connections each peer address has, handshakes in progress and waiting connections included. */
export class PeerCounts {
  readonly #slots = new Chain<Slot>()
  readonly #counts = new Map<Prefix, number>()

  /** Counts a connection; without a source it is only remembered, for a policy that counts later. */
  add(peer: Peer, source: Prefix | undefined): Slot {
    const slot = this.#slots.add(new Slot(this, peer))
    this.#count(slot, source)
    return slot
  }

  /** Counts a connection by another address: a proxy has named its client. */
  move(slot: Slot, peer: Peer, source: Prefix | undefined): void {
    this.#discount(slot.source)
    slot.peer = peer
    this.#count(slot, source)
  }

  remove(slot: Slot): void {
    if (this.#slots.remove(slot)) this.#discount(slot.source)
  }

  of(source: Prefix): number {
    return this.#counts.get(source) ?? 0
  }

  /** Counts all connections anew, by other sources. */
  recount(sourceOf: (peer: Peer) => Prefix | undefined): void {
    this.#counts.clear()
    for (const slot of this.#slots.all) this.#count(slot, sourceOf(slot.peer))
  }

  #count(slot: Slot, source: Prefix | undefined): void {
    slot.source = source
    if (source !== undefined) this.#counts.set(source, this.of(source) + 1)
  }

  #discount(source: Prefix | undefined): void {
    if (source === undefined) return
    const left = this.of(source) - 1
    if (left === 0) this.#counts.delete(source)
    else this.#counts.set(source, left)
  }
}
