import type * as Clock from "effect/Clock"
import * as NetAddress from "effect/net/NetAddress"
import type * as ServerPolicy from "../../ServerPolicy.ts"
import { NetworkSet, type Prefix, prefixOf } from "../address/networkSet.ts"
import { canonical } from "../address/peerAddress.ts"
import { monotonicMillis } from "../time/monotonic.ts"
import type { AcceptPolicy } from "./acceptPolicy.ts"
import { type Peer, PeerCounts, type Slot } from "./peerCounts.ts"
import { Buckets, full, hasToken, takeToken } from "./tokenBuckets.ts"

/** Addresses whose rate is remembered. */
const remembered = 65_536

/** Decides who may connect, and counts connections by address from accept to close. */
export class AccessControl {
  readonly #clock: Clock.Clock
  // Times are counted from here: small numbers keep the fractions of a millisecond that high rates need.
  readonly #origin: number
  readonly #buckets = new Buckets<Prefix>(remembered)
  readonly #counts = new PeerCounts()
  #rules: Rules
  #fullAt = full

  constructor(policy: AcceptPolicy, clock: Clock.Clock) {
    this.#clock = clock
    this.#origin = monotonicMillis(clock)
    this.#rules = rulesOf(policy)
  }

  /** Applies another policy from now on. Tokens already taken stay taken; open connections stay open. */
  update(policy: AcceptPolicy): void {
    this.#rules = rulesOf(policy)
    this.#counts.recount((peer) => this.#countedAs(peer))
  }

  /** Admits a connection and counts it until `leave`, or says why it may not connect. */
  admit(peer: Peer): Slot | ServerPolicy.Refusal {
    const source = this.#countedAs(peer)
    return this.#refusal(peer, source) ?? this.#counts.add(peer, source)
  }

  /** Admits a proxy, whose connection is not counted before `identify`. */
  admitProxy(peer: Peer): Slot | ServerPolicy.Refusal {
    return this.#refusal(peer, undefined) ?? this.#counts.add(peer, undefined)
  }

  /** Counts a proxy's connection by the client's address from now on, or says that the client has too many. */
  identify(slot: Slot, peer: Peer): ServerPolicy.Refusal | undefined {
    const source = this.#countedAs(peer)
    if (this.#isFull(source)) return "maxConnectionsPerAddress"
    this.#counts.move(slot, peer, source)
    return undefined
  }

  #refusal(peer: Peer, source: Prefix | undefined): ServerPolicy.Refusal | undefined {
    const { allow, deny, judges, policy: { acceptRate, acceptRatePerAddress } } = this.#rules
    // Without limits, the address is not even parsed.
    if (!judges) return undefined
    const address = canonical(peer.remoteAddress)
    if (!NetAddress.isUnixPathAddress(address)) {
      if (deny.has(address.address)) return "deny"
      if (allow?.has(address.address) === false) return "allow"
    }
    if (this.#isFull(source)) return "maxConnectionsPerAddress"
    if (acceptRate === undefined && acceptRatePerAddress === undefined) return undefined

    const now = monotonicMillis(this.#clock) - this.#origin
    const bucket = acceptRatePerAddress === undefined ? undefined : this.#sourceOf(address)
    if (bucket !== undefined && !hasToken(this.#buckets.get(bucket), acceptRatePerAddress!, now)) {
      return "acceptRatePerAddress"
    }
    if (acceptRate !== undefined) {
      if (!hasToken(this.#fullAt, acceptRate, now)) return "acceptRate"
      this.#fullAt = takeToken(this.#fullAt, acceptRate, now)
    }
    if (bucket !== undefined) {
      this.#buckets.set(bucket, takeToken(this.#buckets.get(bucket), acceptRatePerAddress!, now), now)
    }
    return undefined
  }

  #isFull(source: Prefix | undefined): boolean {
    return source !== undefined && this.#counts.of(source) >= this.#rules.policy.maxConnectionsPerAddress!
  }

  #countedAs(peer: Peer): Prefix | undefined {
    return this.#rules.policy.maxConnectionsPerAddress === undefined
      ? undefined
      : this.#sourceOf(canonical(peer.remoteAddress))
  }

  // The peers of Unix-domain sockets have no address to count by.
  #sourceOf(address: NetAddress.SocketAddress): Prefix | undefined {
    if (NetAddress.isUnixPathAddress(address)) return undefined
    return prefixOf(address.address, NetAddress.isInetAddressV4(address) ? 32 : this.#rules.policy.ipv6PrefixLength)
  }
}

interface Rules {
  readonly policy: AcceptPolicy
  readonly allow: NetworkSet | undefined
  readonly deny: NetworkSet
  /** Whether any rule applies. */
  readonly judges: boolean
}

const rulesOf = (policy: AcceptPolicy): Rules => ({
  policy,
  allow: policy.allow === undefined ? undefined : new NetworkSet(policy.allow),
  deny: new NetworkSet(policy.deny),
  judges: policy.allow !== undefined || policy.deny.length > 0 || policy.acceptRate !== undefined ||
    policy.acceptRatePerAddress !== undefined || policy.maxConnectionsPerAddress !== undefined
})
