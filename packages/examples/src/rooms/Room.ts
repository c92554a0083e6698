/**
 * A room as an entity of Effect Cluster: it lives on one runner at a time, and moves when that runner ends.
 *
 * `Say` is persisted: PostgreSQL keeps the request until a runner has answered it. A runner that is killed after it has
 * stored the line, and before it has answered, leaves the request to the next one: `id` keeps the line from being stored
 * twice.
 */
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as history from "./history.ts"

/** A line of a room. The first has the number 1. */
export const Line = Schema.Struct({ number: Schema.Number, author: Schema.String, text: Schema.String })
export type Line = typeof Line.Type

export const Room = Entity.make("Room", [
  /** Says a line, and returns its number. Lines with the same `id` are one. */
  Rpc.make("Say", {
    payload: { id: Schema.String, author: Schema.String, text: Schema.String },
    success: Schema.Number,
    primaryKey: ({ id }) => id
  }).annotate(ClusterSchema.Persisted, true),
  /** The lines after this number, and new ones as they are said. Ends when the listener leaves or the room moves. */
  Rpc.make("Listen", { payload: { after: Schema.Number }, success: Line, stream: true })
    .annotate(ClusterSchema.InterruptOnTermination, true)
])

/** The handlers of one room, which keeps its last lines in memory. The rest is in PostgreSQL. */
const handlers = Effect.gen(function*() {
  const { entityId: room } = yield* Entity.CurrentAddress
  const lines = Array.from(yield* history.last(room))
  yield* Effect.logInfo(`room ${room} opens with ${lines.length} lines`)
  let more = Deferred.makeUnsafe<void>()

  const listen = (after: number) =>
    Stream.paginate(after, (seen) =>
      Effect.suspend(() => {
        const unseen = lines.filter(({ number }) => number > seen)
        const wait = unseen.length > 0 ? Effect.void : Deferred.await(more)
        return Effect.as(wait, [unseen, Option.some(unseen.at(-1)?.number ?? seen)] as const)
      }))

  return Room.of({
    Say: Effect.fnUntraced(function*({ payload: { author, id, text } }) {
      const next = (lines.at(-1)?.number ?? 0) + 1
      const number = yield* history.add(room, id, { number: next, author, text })
      if (number === next) {
        lines.push({ number, author, text })
        if (lines.length > history.kept) lines.shift()
        Deferred.doneUnsafe(more, Effect.void)
        more = Deferred.makeUnsafe()
      }
      return number
    }, Effect.orDie),
    // Beside the lines that are said, which are handled one at a time.
    Listen: ({ payload }) => Rpc.fork(listen(payload.after))
  })
})

export const layer = Room.toLayer(Effect.orDie(handlers))
