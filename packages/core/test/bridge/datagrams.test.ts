import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import { checks } from "./datagrams.ts"

for (const [name, check] of Object.entries(checks("udp://127.0.0.1:0"))) {
  VitestSimulation.it(
    `DatagramSocket: ${name}`,
    Effect.flatMap(SimNetwork.host("host"), (host) => Host.run(host, Effect.scoped(check))),
    { seeds: 5 }
  )
}
