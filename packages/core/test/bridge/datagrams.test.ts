import { expect } from "@effect/vitest"
import * as DatagramSocketBridge from "@sluice/core/DatagramSocketBridge"
import * as Network from "@sluice/core/Network"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import { checks } from "./datagrams.ts"

const onHost = <E>(check: Effect.Effect<void, E, Network.Network | SimNetwork.SimNetwork>) =>
  Effect.flatMap(SimNetwork.host("host"), (host) => Host.run(host, check))

for (const [name, check] of Object.entries(checks("udp://127.0.0.1:0"))) {
  VitestSimulation.it(`DatagramSocket: ${name}`, onHost(Effect.scoped(check)), { seeds: 5 })
}

VitestSimulation.it(
  "DatagramSocket: keeps as many datagrams as its queue has room for, the first or the last",
  onHost(Effect.scoped(Effect.gen(function*() {
    const sender = yield* Network.bind("udp://127.0.0.1:0")
    for (
      const [queueOverflow, kept] of [[undefined, "12"], ["dropNewest", "12"], ["dropOldest", "45"]] as const
    ) {
      const socket = yield* DatagramSocketBridge.make("udp://127.0.0.1:0", { queueCapacity: 2, queueOverflow })
      const reader = yield* socket.reader
      for (const each of ["1", "2", "3", "4", "5"]) yield* UdpSocket.send(sender, each, reader.address)
      yield* Effect.sleep("1 second")
      const got = (yield* reader.pull).map(({ payload }) => new TextDecoder().decode(payload)).join("")
      expect(got).toBe(kept)
    }
  })))
)
