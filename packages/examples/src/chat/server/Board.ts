/** Sends the list of rooms to clients when it changes, at most once a second. */
import * as Broadcast from "@sluice/core/Broadcast"
import * as Subscription from "@sluice/core/Subscription"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Line from "../protocol/Line.ts"
import type * as Wire from "../protocol/Wire.ts"
import type { Rooms } from "./Rooms.ts"

export interface Board {
  /** Sends the list to a client now and after each change, for the life of the Scope. */
  readonly join: (subscription: Subscription.Subscription<Uint8Array>) => Effect.Effect<void, never, Scope.Scope>
}

/** A board for the clients of one wire. It checks the rooms only while a client has joined. */
export const make = Effect.fnUntraced(function*(
  rooms: Rooms,
  wire: Wire.Wire
): Effect.fn.Return<Board, never, Scope.Scope> {
  const broadcast = yield* Effect.orDie(Broadcast.make<Uint8Array>())
  const isWatched = Latch.makeUnsafe()
  const look = Effect.sync(() => rooms.list())
  let told = ""
  const watch = Effect.gen(function*() {
    yield* isWatched.await
    yield* Effect.sleep("1 second")
    const line = yield* look
    const text = Line.format(line) + line.rooms.map(({ last }) => last).join()
    if (text !== told) yield* Broadcast.publish(broadcast, wire.encode(line))
    told = text
    if (Broadcast.sizeUnsafe(broadcast) === 0) isWatched.closeUnsafe()
  })
  yield* Effect.forkScoped(Effect.forever(watch))
  return {
    join: Effect.fnUntraced(function*(subscription) {
      yield* Subscription.offer(subscription, wire.encode(yield* look))
      yield* Broadcast.join(broadcast, subscription)
      isWatched.openUnsafe()
    })
  }
})
