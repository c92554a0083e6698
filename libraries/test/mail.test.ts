import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import { text } from "node:stream/consumers"
import { createTransport } from "nodemailer"
import { SMTPServer } from "smtp-server"
import { handing, library, retrying, rounds } from "./library.ts"

library("nodemailer and smtp-server", {
  serve: handing(() => {
    const smtp = new SMTPServer({
      name: "server",
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      disableReverseLookup: true,
      onData: async (stream, _, callback) => callback(null, (await text(stream)).match(/Subject: .*/)![0])
    })
    return smtp.server
  }),
  expected: rounds.slice(0, 5).map((round) => `250 Subject: message ${round}`),
  client: (where) =>
    Effect.promise(async () => {
      const { connector, host, pause, port } = where
      const transport = createTransport({
        host,
        port,
        name: "client",
        getSocket: (_, callback) => {
          const connection = connector.connect(port, host, () => callback(null, { connection: connection as Socket }))
          connection.once("error", (error) => callback(error, undefined))
        }
      })
      const answers: Array<string> = []
      for (const round of rounds.slice(0, 5)) {
        const mail = { from: "a@example.com", to: "b@example.com", subject: `message ${round}`, text: "hello" }
        const { response } = await retrying(where, () => transport.sendMail(mail))
        answers.push(response)
        await pause()
        await pause()
      }
      return answers
    })
})
