/** The lines of rooms, in PostgreSQL. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { Line } from "./Room.ts"

/** Lines that a room keeps in memory, and that a person who enters gets. */
export const kept = 100

const createLines = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`CREATE TABLE room_lines (
    room text, number int, id text NOT NULL, author text NOT NULL, text text NOT NULL,
    PRIMARY KEY (room, number), UNIQUE (room, id)
  )`)

/** Creates the table, if there is none. */
export const layer = Layer.effectDiscard(
  Migrator.make({})({
    loader: Migrator.fromRecord({ "0001_lines": createLines }),
    table: "room_migrations"
  })
)

/** The last lines of a room, in order. */
export const last = Effect.fnUntraced(function*(room: string) {
  const sql = yield* SqlClient.SqlClient
  const lines = yield* sql<Line>`SELECT number, author, text FROM room_lines
    WHERE room = ${room} ORDER BY number DESC LIMIT ${kept}`
  return lines.toReversed()
})

/**
 * Stores a line, and returns its number: that of the line with the same id, if there is one.
 *
 * Fails if another line has the number. Then another runner has the room, and this one, which was paused, has not noticed.
 */
export const add = Effect.fnUntraced(function*(room: string, id: string, { author, number, text }: Line) {
  const sql = yield* SqlClient.SqlClient
  const added = yield* sql`INSERT INTO room_lines ${sql.insert({ room, number, id, author, text })}
    ON CONFLICT (room, id) DO NOTHING RETURNING number`
  if (added.length > 0) return number
  const [before] = yield* sql<Line>`SELECT number FROM room_lines WHERE room = ${room} AND id = ${id}`
  return before!.number
})
