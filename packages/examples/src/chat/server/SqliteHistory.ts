/**
 * A history that outlives the server, in an SQLite database: what was published is on the disk, and survives the loss of
 * the process and of power.
 *
 * Lines that wait while others are being written are written together: one commit, and one `fsync`, for all of them.
 * Each room keeps its last 10,000 lines or so.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type * as Line from "../protocol/Line.ts"
import { type Entry, History, HistoryFailed } from "./History.ts"

const kept = 10_000
const pruneEvery = 1000

const schema = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY,
    room TEXT NOT NULL,
    at INTEGER NOT NULL,
    tag TEXT NOT NULL CHECK (tag IN ('Said', 'Acted')),
    name TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entry_of_room ON entry (room, id);
`

/** A line that waits to be written, and who waits for it. */
interface Waiting {
  readonly room: string
  readonly entry: Entry
  readonly publish: Effect.Effect<void>
  readonly done: Deferred.Deferred<void, HistoryFailed>
}

const attempt = <A>(what: string, action: () => A): Effect.Effect<A, HistoryFailed> =>
  Effect.try({ try: action, catch: (cause) => new HistoryFailed({ what, cause }) })

/** Opens the database of a folder, which is made if it is not there. No second server can use it at the same time. */
const open = (folder: string) => {
  const path = join(folder, "chat.db")
  return Effect.acquireRelease(
    attempt(`open ${path}`, () => {
      mkdirSync(folder, { recursive: true })
      const database = new DatabaseSync(path, { timeout: 1000 })
      database.exec(schema)
      return database
    }),
    (database) => Effect.sync(() => database.close())
  )
}

const make = Effect.fnUntraced(function*(folder: string) {
  const database = yield* open(folder)
  const insert = database.prepare("INSERT INTO entry (room, at, tag, name, text) VALUES (?, ?, ?, ?, ?)")
  const select = database.prepare("SELECT at, tag, name, text FROM entry WHERE room = ? ORDER BY id DESC LIMIT ?")
  const prune = database.prepare(
    `DELETE FROM entry WHERE room = ?1 AND id <=
     (SELECT id FROM entry WHERE room = ?1 ORDER BY id DESC LIMIT 1 OFFSET ${kept})`
  )

  const write = (batch: ReadonlyArray<Waiting>) => {
    database.exec("BEGIN IMMEDIATE")
    try {
      for (const { entry: { at, spoken }, room } of batch) {
        const { lastInsertRowid } = insert.run(room, at, spoken._tag, spoken.name, spoken.text)
        if (Number(lastInsertRowid) % pruneEvery === 0) prune.run(room)
      }
      database.exec("COMMIT")
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK")
      throw error
    }
  }

  const queue = yield* Queue.unbounded<Waiting>()
  const writing = Effect.gen(function*() {
    const batch = yield* Queue.takeAll(queue)
    const written = yield* Effect.exit(attempt(`write to ${folder}`, () => write(batch)))
    for (const { done, publish } of batch) {
      yield* Deferred.done(done, Exit.isSuccess(written) ? yield* Effect.exit(publish) : written)
    }
  })
  yield* Effect.forkScoped(Effect.forever(writing))

  return History.of({
    last: (room, count) =>
      attempt(
        `read ${folder}`,
        () => select.all(room, count).toReversed().map((row) => entryOf(row as unknown as Row))
      ),
    keep: (room, entry, publish) =>
      Effect.suspend(() => {
        const done = Deferred.makeUnsafe<void, HistoryFailed>()
        return Effect.andThen(Queue.offer(queue, { room, entry, publish, done }), Deferred.await(done))
      })
  })
})

interface Row {
  readonly at: number
  readonly tag: Line.Spoken["_tag"]
  readonly name: string
  readonly text: string
}

const entryOf = ({ at, name, tag, text }: Row): Entry => ({ at, spoken: { _tag: tag, name, text } })

/** Keeps the history in a folder. */
export const layer = (folder: string): Layer.Layer<History, HistoryFailed> => Layer.effect(History, make(folder))
