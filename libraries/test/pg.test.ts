import { PgClient } from "@effect/sql-pg"
import { PGlite } from "@electric-sql/pglite"
import * as Connection from "@sluice/core/Connection"
import * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import { Client } from "pg"
import { library, rounds } from "./library.ts"

// PostgreSQL in this process. It starts within seconds, so all tests share it; they leave nothing in it.
const database = await PGlite.create()

const terminate = 0x58
// What PostgreSQL answers: a query, and the end of extended ones.
const answered = new Set([0x51, 0x53])

/** Hands the messages of a client to PostgreSQL, all up to the next that it answers. */
const handler = Effect.fnUntraced(function*(connection: Connection.Connection) {
  const message = Effect.fnUntraced(function*(header: number) {
    const head = yield* Connection.readExactly(connection, header)
    const size = new DataView(head.buffer, head.byteOffset).getUint32(header - 4) - 4
    return Buffer.concat([head, yield* Connection.readExactly(connection, size)])
  })
  const answer = (request: Uint8Array) =>
    Effect.flatMap(
      Effect.promise(() => database.execProtocolRaw(request)),
      (bytes) => Connection.write(connection, bytes)
    )
  // Statements that a client before has prepared.
  yield* Effect.promise(() => database.exec("deallocate all"))
  yield* answer(yield* message(4))
  while (true) {
    const request: Array<Uint8Array> = []
    do {
      const next = yield* message(5)
      if (next[0] === terminate) return
      request.push(next)
    } while (!answered.has(request.at(-1)![0]!))
    yield* answer(Buffer.concat(request))
  }
})

const serve = (options: Server.Options) => Server.layer(options, handler)

const expected = rounds.map((round) => round * round)

library("pg", {
  serve,
  expected,
  client: ({ connector, host, pause, port }) =>
    Effect.promise(async () => {
      const client = new Client({
        host,
        port,
        user: "postgres",
        database: "postgres",
        stream: () => connector.create() as Socket
      })
      await client.connect()
      const squares: Array<number> = []
      for (const round of rounds) {
        const { rows } = await client.query("select $1::int * $1::int as square", [round])
        squares.push(rows[0].square)
        await pause()
      }
      await client.end()
      return squares
    })
})

library("@effect/sql-pg", {
  serve,
  expected,
  client: ({ connector, host, pause, port }) =>
    Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      const squares: Array<number> = []
      for (const round of rounds) {
        const [row] = yield* sql<{ square: number }>`select ${round}::int * ${round}::int as square`
        squares.push(row!.square)
        yield* Effect.promise(pause)
      }
      return squares
    }).pipe(Effect.provide(PgClient.layer({
      host,
      port,
      username: "postgres",
      database: "postgres",
      stream: () => connector.connect(port, host)
    })))
})
