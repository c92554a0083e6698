/** Clients of nodes, by address. */
import * as FramedClient from "@sluice/client/FramedClient"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { framing, type Message } from "./protocol.ts"

export type Peer = FramedClient.FramedClient<Message, Message, Framed.FramedError>

export interface Options {
  readonly connections: number
  readonly connectTimeout: Duration.Input
  readonly answerTimeout: Duration.Input
  /** The time between attempts to connect. */
  readonly spacing: Duration.Input
}

/** Clients of no nodes yet. All are closed with the Scope. */
export const make = Effect.fnUntraced(function*(options: Options) {
  const { answerTimeout, connections, connectTimeout, spacing } = options
  const scope = yield* Effect.scope
  const network = yield* Network.Network
  const peers = new Map<string, readonly [Peer, Scope.Closeable]>()

  const open = Effect.fnUntraced(function*(address: string) {
    const own = yield* Scope.fork(scope)
    const peer = yield* FramedClient.make({
      connect: Effect.flatMap(Network.connect(address, { connectTimeout }), Framed.make(framing)),
      connections,
      answerTimeout,
      schedule: Schedule.spaced(spacing)
    }).pipe(Effect.provideService(Network.Network, network), Scope.provide(own))
    peers.set(address, [peer, own])
  })

  return {
    at: (address: string): Peer | undefined => peers.get(address)?.[0],
    /** Opens clients of these addresses, and closes those of others. */
    keep: Effect.fnUntraced(function*(addresses: Iterable<string>) {
      const wanted = new Set(addresses)
      for (const [address, [, own]] of peers) {
        if (wanted.has(address)) continue
        peers.delete(address)
        yield* Effect.forkIn(Scope.close(own, Exit.void), scope)
      }
      for (const address of wanted) if (!peers.has(address)) yield* open(address)
    })
  }
})
