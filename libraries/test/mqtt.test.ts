import * as Server from "@sluice/core/Server"
import * as NodeDuplex from "@sluice/node/NodeDuplex"
import { Aedes } from "aedes"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { MqttClient } from "mqtt"
import { library, rounds } from "./library.ts"

library("mqtt and aedes", {
  serve: (options) =>
    Layer.unwrap(Effect.promise(async () => {
      const broker = await Aedes.createBroker({ id: "broker" })
      return Server.layer(options, NodeDuplex.serve({ emit: (_, socket) => broker.handle(socket) }))
    })),
  expected: rounds.map(String),
  client: ({ connector, host, pause, port }) =>
    Effect.promise(async () => {
      const client = new MqttClient(() => connector.connect(port, host), { protocol: "mqtt", clientId: "client" })
      await new Promise((resolve) => client.once("connect", resolve))
      const heard: Array<string> = []
      client.on("message", (_, payload) => heard.push(String(payload)))
      await client.subscribeAsync("rounds", { qos: 1 })
      for (const round of rounds) {
        await client.publishAsync("rounds", String(round), { qos: 1 })
        await pause()
      }
      while (heard.length < rounds.length) await new Promise((resolve) => client.once("message", resolve))
      await client.endAsync()
      return heard
    })
})
