/** `dns server`: answers from a zone file, and forwards other names to another server. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Server from "@sluice/core/Server"
import * as UdpServer from "@sluice/core/UdpServer"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Framing from "@sluice/framing/Framing"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Host from "effect/net/Host"
import type * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as Resolver from "./Resolver.ts"
import * as respond from "./respond.ts"
import { ask } from "./upstream.ts"
import type { Zone } from "./Zone.ts"

export interface Options {
  readonly host: Host.Host
  readonly port: number
  readonly zone: Zone
  readonly forward?: NetAddress.InetAddress | undefined
  readonly cache: number
  readonly drain: Duration.Input
}

/** A client sent something over TCP that is not a query. */
class NotAQuery extends Data.TaggedError("NotAQuery") {
  override readonly message = "a message is not a query; check that the client speaks DNS"
}

// Fewer queries may wait for the upstream server than run at once, so that queries about the zone always find room.
const limits = { datagrams: 1024, waiting: 768, connections: 256, connectionsPerAddress: 32, queries: 16 }

/** Serves over UDP and TCP, at the same port, until the Scope closes. Returns the address. */
export const serve = Effect.fnUntraced(function*({ cache, drain, forward, host, port, zone }: Options) {
  const resolve = forward === undefined
    ? undefined
    : yield* Resolver.make({ ask: ask(forward), capacity: cache, maxWaiting: limits.waiting })
  const answer = respond.make(zone, resolve)

  const overTcp = Framed.serve(
    Framing.lengthPrefixed({ prefix: "uint16" }),
    (query: Uint8Array) =>
      Effect.flatMap(answer(query, "tcp"), (response) => Effect.fromNullishOr(response)).pipe(
        Effect.mapError(() => new NotAQuery())
      ),
    { concurrency: limits.queries }
  )
  const overUdp: UdpServer.Handler = (datagram, socket) =>
    Effect.flatMap(
      answer(datagram.payload, "udp"),
      (response) => response === undefined ? Effect.void : UdpSocket.reply(socket, datagram, response)
    )

  const both = Effect.gen(function*() {
    const tcp = yield* Server.make({
      listen: Endpoint.tcp(host, port),
      maxConnections: limits.connections,
      maxConnectionsPerAddress: limits.connectionsPerAddress,
      idleTimeout: "10 seconds",
      writeTimeout: "5 seconds",
      drain
    }, overTcp)
    const address = tcp.address as NetAddress.InetAddress
    yield* UdpServer.make({ bind: Endpoint.udp(host, address.port), concurrency: limits.datagrams, drain }, overUdp)
    return address
  })
  // The port that the system chose for TCP may be taken for UDP.
  return yield* trial(both).pipe(Effect.retry({
    times: 10,
    while: ({ reason }) => port === 0 && reason._tag === "AddressInUse"
  }))
})

/** Runs an effect, and closes what it opened when it fails, not only when the Scope closes. */
const trial = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.fork(yield* Effect.scope)
    return yield* Scope.provide(effect, scope).pipe(
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  })
