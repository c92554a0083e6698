/**
 * A history that outlives the server, in an SQLite database: what was published is on the disk, and survives the loss of
 * the process and of power.
 *
 * Lines that arrive while others are being written are written together: one commit, and one `fsync`, for all of them.
 * `Database` bounds what is kept.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { Database, type Limits } from "./Database.ts"
import { type Entry, History, HistoryFailed } from "./History.ts"

/** Lines that may wait to be written; more wait in their sessions. */
const mostWaiting = 4096

/** A line that waits to be written, and who waits for it. */
interface Waiting {
  readonly room: string
  readonly entry: Entry
  readonly publish: Effect.Effect<void>
  readonly done: Deferred.Deferred<void, HistoryFailed>
}

const attempt = <A>(what: string, action: () => A): Effect.Effect<A, HistoryFailed> =>
  Effect.try({ try: action, catch: (cause) => new HistoryFailed({ what, cause }) })

const make = Effect.fnUntraced(function*(folder: string, limits: Partial<Limits>) {
  const database = yield* Effect.acquireRelease(
    attempt(`open the history in ${folder}`, () => new Database(folder, limits)),
    (opened) => Effect.sync(() => opened.close())
  )

  const queue = yield* Queue.bounded<Waiting>(mostWaiting)
  const writing = Effect.gen(function*() {
    const batch = yield* Queue.takeAll(queue)
    const written = yield* Effect.exit(attempt(`write to ${folder}`, () => database.write(batch)))
    for (const { done, publish } of batch) {
      yield* Deferred.done(done, Exit.isSuccess(written) ? yield* Effect.exit(publish) : written)
    }
  })
  yield* Effect.forkScoped(Effect.forever(writing))

  const last = (room: string, count: number) => attempt(`read ${folder}`, () => database.last(room, count))

  return History.of({
    last,
    open: last,
    keep: (room, entry, publish) =>
      Effect.suspend(() => {
        const done = Deferred.makeUnsafe<void, HistoryFailed>()
        return Effect.andThen(Queue.offer(queue, { room, entry, publish, done }), Deferred.await(done))
      })
  })
})

/** Keeps the history in a folder, which is created if it does not exist. */
export const layer = (folder: string, limits: Partial<Limits> = {}): Layer.Layer<History, HistoryFailed> =>
  Layer.effect(History, make(folder, limits))
