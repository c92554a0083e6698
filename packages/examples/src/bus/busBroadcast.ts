/** `Broadcast` over a `Bus`: what is published on one server reaches the subscribers of all. */
import * as Broadcast from "@sluice/core/Broadcast"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Bus, type BusFailed, type Message } from "./Bus.ts"

/** A topic, for the subscribers on this server. */
export interface BusBroadcast {
  /** Publishes to the subscribers of all servers. Returns once the message is in the queues of this server's subscribers. */
  readonly publish: (text: string) => Effect.Effect<void, BusFailed>
  /** The last messages published before, the oldest first. */
  readonly past: ReadonlyArray<Message>
}

/** Passes a topic on to a broadcast, for the life of the Scope. */
export const make = <Encoded>(
  topic: string,
  broadcast: Broadcast.Broadcast<string, Encoded, FramingError>,
  options: { readonly last?: number } = {}
): Effect.Effect<BusBroadcast, BusFailed, Bus | Scope.Scope> =>
  Effect.gen(function*() {
    const bus = yield* Bus
    const past = yield* bus.follow(topic, {
      last: options.last ?? 0,
      onMessage: ({ text }) => Effect.orDie(Broadcast.publish(broadcast, text))
    })
    return { past, publish: (text) => bus.publish(topic, text) }
  })
