/**
 * Who may connect: a number of clients in all, and a number from one address, which also share one rate of lines. An IPv6
 * address counts by its first 64 bits, which are one host or site.
 */
import type * as Connection from "@sluice/core/Connection"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import { type Rate, TokenBucket } from "../protocol/TokenBucket.ts"

export interface Limits {
  readonly clients: number
  /** From one IP address; it does not apply to Unix-domain sockets. */
  readonly clientsPerAddress: number
  /** How fast the clients of one address may send lines together. More is refused. */
  readonly rate: Rate
}

/** There is no room for one more. */
export class Full extends Data.TaggedError("Full")<{ readonly message: string }> {}

/** What the clients of one address share. */
export interface Source {
  clients: number
  readonly bucket: TokenBucket
}

/** Addresses that are remembered beyond those of open connections, so that reconnecting does not renew a rate. */
const remembered = 65_536

export class Admission {
  readonly #limits: Limits
  // In the order of their last arrival.
  readonly #sources = new Map<string, Source>()
  #clients = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Admits a client, until it leaves. */
  enter(connection: Connection.Connection): Effect.Effect<Source, Full> {
    return Effect.suspend(() => {
      const name = sourceOf(connection.remoteAddress)
      const problem = this.#problem(name)
      return problem === undefined ? Effect.succeed(this.#admit(name)) : Effect.fail(new Full({ message: problem }))
    })
  }

  leave(source: Source): void {
    this.#clients--
    source.clients--
  }

  #problem(name: string | undefined): string | undefined {
    const { clients, clientsPerAddress } = this.#limits
    if (this.#clients >= clients) return `the chat is full: ${clients} are here; try again later`
    if (name !== undefined && (this.#sources.get(name)?.clients ?? 0) >= clientsPerAddress) {
      return `from ${name}, ${clientsPerAddress} are here already; try again later`
    }
    return undefined
  }

  #admit(name: string | undefined): Source {
    this.#clients++
    const source = (name === undefined ? undefined : this.#sources.get(name)) ??
      { clients: 0, bucket: new TokenBucket(this.#limits.rate) }
    source.clients++
    if (name === undefined) return source
    this.#sources.delete(name)
    this.#sources.set(name, source)
    if (this.#sources.size > remembered) this.#forget()
    return source
  }

  // The oldest address without a client here. At most `clients` others are before it.
  #forget(): void {
    for (const [name, { clients }] of this.#sources) {
      if (clients === 0) {
        this.#sources.delete(name)
        return
      }
    }
  }
}

const sourceOf = (address: NetAddress.SocketAddress): string | undefined => {
  if (NetAddress.isUnixPathAddress(address)) return undefined
  const { address: ip } = address
  return NetAddress.isIpv4Address(ip) ? NetAddress.formatIp(ip) : IpNetwork.format(IpNetwork.fromAddressUnsafe(ip, 64))
}
