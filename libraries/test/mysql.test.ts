import type * as NodeDuplex from "@sluice/node/NodeDuplex"
import * as Effect from "effect/Effect"
import mysql from "mysql2"
import { createConnection } from "mysql2/promise"
import type { Socket } from "node:net"
import { handing, library, rounds } from "./library.ts"

library("mysql2", {
  serve: handing(() => {
    const server = mysql.createServer((connection) => {
      // The numbers of packets begin anew with each command, which mysql2 leaves to the server.
      const count = (sequenceId: number) => Object.assign(connection, { sequenceId })
      connection.serverHandshake({
        protocolVersion: 10,
        serverVersion: "8.0.0",
        connectionId: 1,
        statusFlags: 2,
        characterSet: 8,
        capabilityFlags: 0xffffff & ~0x800,
        authCallback: (_: unknown, callback: () => void) => {
          callback()
          count(0)
        }
      })
      connection.on("query", (query) => {
        count(1)
        connection.writeOk({ affectedRows: query.length })
        count(0)
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
