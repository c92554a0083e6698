import * as NodeDuplex from "@sluice/node/NodeDuplex"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import * as Http from "node:http"
import * as Http2 from "node:http2"
import { text } from "node:stream/consumers"
import { Agent, request } from "undici"
import { WebSocket, WebSocketServer } from "ws"
import { handing, library, retrying, rounds } from "./library.ts"

const serve = handing(() => Http.createServer((request, response) => response.end(`you asked for ${request.url}`)))
const expected = rounds.map((round) => `you asked for /${round}`)

library("node:http", {
  serve,
  expected,
  client: (where) =>
    Effect.flatMap(NodeDuplex.agent(), (agent) =>
      Effect.promise(async () => {
        const answers: Array<string> = []
        for (const round of rounds) {
          const answer = await retrying(where, async () => {
            const request = Http.get({ host: where.host, port: where.port, path: `/${round}`, agent })
            const [response] = await once(request, "response")
            return await text(response)
          })
          answers.push(answer)
          await where.pause()
        }
        return answers
      }))
})

library("node:http2", {
  serve: handing(() =>
    Http2.createServer((request, response) =>
      void response.end(`you asked for ${request.url}`)
    ) as NodeDuplex.NodeServer
  ),
  expected,
  client: ({ connector, host, pause, port }) =>
    Effect.promise(async () => {
      const session = Http2.connect(`http://${host}:${port}`, { createConnection: () => connector.connect(port, host) })
      const answers: Array<string> = []
      for (const round of rounds) {
        answers.push(await text(session.request({ ":path": `/${round}` })))
        await pause()
      }
      session.close()
      return answers
    })
})

library("undici", {
  serve,
  expected,
  client: (where) =>
    Effect.flatMap(NodeDuplex.undiciConnect(), (connect) =>
      Effect.promise(async () => {
        const dispatcher = new Agent({ connect })
        const answers: Array<string> = []
        for (const round of rounds) {
          const answer = await retrying(where, async () => {
            const { body } = await request(`http://${where.host}:${where.port}/${round}`, { dispatcher })
            return await body.text()
          })
          answers.push(answer)
          await where.pause()
        }
        await dispatcher.close()
        return answers
      }))
})

library("ws", {
  serve: handing(() => {
    const http = Http.createServer()
    new WebSocketServer({ server: http }).on(
      "connection",
      (socket) => socket.on("message", (message) => socket.send(`you said ${message}`))
    )
    return http
  }),
  expected: rounds.map((round) => `you said ${round}`),
  client: ({ connector, host, pause, port }) =>
    Effect.promise(async () => {
      const socket = new WebSocket(`ws://${host}:${port}`, {
        createConnection: connector.connect as never,
        // ws keeps a pool of random bytes for the process, which makes runs differ.
        generateMask: (mask) => mask.fill(7)
      })
      await once(socket, "open")
      const answers: Array<string> = []
      for (const round of rounds) {
        socket.send(String(round))
        const [message] = await once(socket, "message")
        answers.push(String(message))
        await pause()
      }
      socket.close()
      await once(socket, "close")
      return answers
    })
})
