/** Relays that would connect to themselves, and eat all descriptors for one client. */
import type * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import type * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import { lookup } from "node:dns/promises"
import { networkInterfaces } from "node:os"
import { resolve } from "node:path"

/** The relay is its own server, or has passed on a connection too often. */
export class RelayLoop extends Data.TaggedError("RelayLoop")<{ readonly message: string }> {}

// ---------------------------------------------------------------------------------------------------------------------
// At the start
// ---------------------------------------------------------------------------------------------------------------------

/** Fails if a relay that listens here would connect to itself there. */
export const refuseLoop = Effect.fnUntraced(function*(listen: Endpoint.StreamEndpoint, to: Endpoint.StreamEndpoint) {
  if (yield* isSame(listen, to)) {
    const message = `the relay would connect to itself: it listens on ${Endpoint.format(listen)}, and --to is ` +
      `${Endpoint.format(to)}; give --to the address of another server`
    return yield* new RelayLoop({ message })
  }
})

const isSame = (listen: Endpoint.StreamEndpoint, to: Endpoint.StreamEndpoint): Effect.Effect<boolean> => {
  if (listen._tag === "Unix" || to._tag === "Unix") {
    return Effect.succeed(listen._tag === "Unix" && to._tag === "Unix" && resolve(listen.path) === resolve(to.path))
  }
  if (listen.port !== to.port) return Effect.succeed(false)
  return Effect.map(
    Effect.all([addressesOf(listen.host), addressesOf(to.host)]),
    ([listening, targets]) => targets.some((target) => listening.some((address) => reaches(target, address)))
  )
}

// None for a name that is not known now: connecting says so.
const addressesOf = (host: Host.Host): Effect.Effect<ReadonlyArray<NetAddress.IpAddress>> =>
  Effect.promise(() => lookup(Host.formatHost(host).replace(/^\[(.*)\]$/, "$1"), { all: true }).catch(() => [])).pipe(
    Effect.map((found) => found.flatMap(({ address }) => parse(address)))
  )

const parse = (text: string) => Option.toArray(Option.getSuccess(NetAddress.ipFromString(text)))

const reaches = (target: NetAddress.IpAddress, listening: NetAddress.IpAddress): boolean => {
  const [to, at] = [NetAddress.formatIp(target), NetAddress.formatIp(listening)]
  if (at === "::") return isOwn(target)
  if (at === "0.0.0.0") return NetAddress.isIpv4Address(target) && isOwn(target)
  // The unspecified address is this machine for a client (ip(7)).
  return to === at || (to === "0.0.0.0" && at === "127.0.0.1") || (to === "::" && at === "::1")
}

const isOwn = (address: NetAddress.IpAddress): boolean => {
  const text = NetAddress.formatIp(address)
  return /^(?:127\..*|0\.0\.0\.0|::1?)$/.test(text) ||
    Object.values(networkInterfaces()).flat().some((own) =>
      own !== undefined && parse(own.address).some((each) => NetAddress.formatIp(each) === text)
    )
}

// ---------------------------------------------------------------------------------------------------------------------
// While it runs
// ---------------------------------------------------------------------------------------------------------------------

/** The connections that a relay has opened, by their own addresses: a client with one of these is the relay itself. */
export class OwnConnections {
  readonly #open = new Set<string>()

  /** Remembers a connection until it is closed. */
  readonly add = (server: Connection.Connection) => {
    const own = NetAddress.formatSocketAddress(server.localAddress)
    return Effect.acquireRelease(
      Effect.sync(() => void this.#open.add(own)),
      () => Effect.sync(() => void this.#open.delete(own))
    )
  }

  /** Fails for a client that is the relay itself. */
  readonly check = (client: Connection.Connection): Effect.Effect<void, RelayLoop> =>
    Effect.suspend(() => {
      const { remoteAddress } = client.proxy ?? client
      return NetAddress.isInetAddress(remoteAddress) && this.#open.has(NetAddress.formatSocketAddress(remoteAddress))
        ? new RelayLoop({ message: "the relay has connected to itself; give --to the address of another server" })
        : Effect.void
    })
}

// ---------------------------------------------------------------------------------------------------------------------
// Over other relays
// ---------------------------------------------------------------------------------------------------------------------

// A record of an application's own (section 2.2.7 of the specification).
const hopsType = 0xe7
const mostHops = 16

/** How often a client was passed on by relays before this one, as a PROXY header of version 2 tells. */
export const hopsOf = ({ proxy }: Connection.Connection): number => {
  if (proxy === undefined) return 0
  const told = proxy.header.tlvs.find((each) => isHops(each))
  return told?._tag === "Other" ? told.value[0] ?? 1 : 1
}

export const isHops = (tlv: ProxyProtocol.Tlv): boolean => tlv._tag === "Other" && tlv.type === hopsType

/** The record that tells the next relay. */
export const hopsRecord = (hops: number): ProxyProtocol.Other => ({
  _tag: "Other",
  type: hopsType,
  value: Uint8Array.of(hops)
})

/** Fails for a client that was passed on too often. */
export const checkHops = (client: Connection.Connection): Effect.Effect<void, RelayLoop> =>
  Effect.suspend(() =>
    hopsOf(client) < mostHops
      ? Effect.void
      : new RelayLoop({ message: `passed on by ${mostHops} relays: they connect to each other; check their --to` })
  )
