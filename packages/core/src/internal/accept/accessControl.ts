import type * as Clock from "effect/Clock"
import * as NetAddress from "effect/net/NetAddress"
import type * as AcceptPolicy from "../../AcceptPolicy.ts"
import { canonical } from "../connection/peerAddress.ts"
import { NetworkSet, type Prefix, prefixOf } from "./networkSet.ts"
import { Buckets, full, hasToken, takeToken } from "./tokenBuckets.ts"

/** Addresses whose rate is remembered. */
const remembered = 65_536

/** Judges who may connect, when a connection is accepted. */
export class Gate {
  readonly #clock: Clock.Clock
  // Times are counted from here: small numbers have room for the fractions of a millisecond that high rates are made of.
  readonly #origin: number
  #policy!: AcceptPolicy.AcceptPolicy
  #allow: NetworkSet | undefined
  #deny!: NetworkSet
  #judges = false
  #fullAt = full
  readonly #buckets = new Buckets(remembered)

  constructor(policy: AcceptPolicy.AcceptPolicy, clock: Clock.Clock) {
    this.#clock = clock
    this.#origin = clock.currentTimeMillisUnsafe()
    this.update(policy)
  }

  /** Judges by another policy from now on; what has been taken of the rates stays taken. */
  update(policy: AcceptPolicy.AcceptPolicy): void {
    this.#policy = policy
    this.#allow = policy.allow === undefined ? undefined : new NetworkSet(policy.allow)
    this.#deny = new NetworkSet(policy.deny)
    this.#judges = policy.allow !== undefined || policy.deny.length > 0 || policy.acceptRate !== undefined ||
      policy.acceptRatePerAddress !== undefined
  }

  /** Why a peer may not connect now, if so. One that may has taken its tokens. */
  refusal(peer: { readonly remoteAddress: NetAddress.SocketAddress }): AcceptPolicy.Refusal | undefined {
    // Without limits, the address is not even parsed.
    if (!this.#judges) return undefined
    const { acceptRate, acceptRatePerAddress } = this.#policy
    const address = canonical(peer.remoteAddress)
    if (!NetAddress.isUnixPathAddress(address)) {
      if (this.#deny.has(address.address)) return "deny"
      if (this.#allow?.has(address.address) === false) return "allow"
    }
    if (acceptRate === undefined && acceptRatePerAddress === undefined) return undefined

    const now = this.#clock.currentTimeMillisUnsafe() - this.#origin
    const source = acceptRatePerAddress === undefined ? undefined : this.sourceOf(address)
    if (source !== undefined && !hasToken(this.#buckets.get(source), acceptRatePerAddress!, now)) {
      return "acceptRatePerAddress"
    }
    if (acceptRate !== undefined) {
      if (!hasToken(this.#fullAt, acceptRate, now)) return "acceptRate"
      this.#fullAt = takeToken(this.#fullAt, acceptRate, now)
    }
    if (source !== undefined) {
      this.#buckets.set(source, takeToken(this.#buckets.get(source), acceptRatePerAddress!, now), now)
    }
    return undefined
  }

  /** What an address is counted as. The peers of Unix-domain sockets have none. */
  sourceOf(remote: NetAddress.SocketAddress): Prefix | undefined {
    const address = canonical(remote)
    if (NetAddress.isUnixPathAddress(address)) return undefined
    return prefixOf(address.address, NetAddress.isInetAddressV4(address) ? 32 : this.#policy.ipv6PrefixLength)
  }
}
