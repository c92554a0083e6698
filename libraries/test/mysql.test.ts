import * as NodeDuplex from "@sluice/node/NodeDuplex"
import * as Effect from "effect/Effect"
import mysql from "mysql2"
import { createConnection } from "mysql2/promise"
import type { Socket } from "node:net"
import { handing, library, rounds } from "./library.ts"

library("mysql2", {
  serve: handing(() => {
    const server = mysql.createServer((connection) => {
      connection.serverHandshake({
        protocolVersion: 10,
        serverVersion: "8.0.0",
        connectionId: 1,
        statusFlags: 2,
        characterSet: 8,
        capabilityFlags: 0xffffff & ~0x800
      })
      connection.on("query", (query) => {
        // The answer to a packet has the next number, which mysql2 leaves to the server.
        Object.assign(connection, { sequenceId: 1 })
        connection.writeOk({ affectedRows: query.length })
      })
      connection.on("quit", () => connection.end())
    })
    return (server as unknown as { readonly _server: NodeDuplex.NodeServer })._server
  }),
  expected: rounds.map((round) => `insert ${"x".repeat(round)}`.length),
  client: ({ connector, host, pause, port }) =>
    Effect.promise(async () => {
      const connection = await createConnection({ user: "root", stream: () => connector.connect(port, host) as Socket })
      const lengths: Array<number> = []
      for (const round of rounds) {
        const [result] = await connection.query(`insert ${"x".repeat(round)}`)
        lengths.push((result as mysql.ResultSetHeader).affectedRows)
        await pause()
      }
      await connection.end()
      return lengths
    })
})
