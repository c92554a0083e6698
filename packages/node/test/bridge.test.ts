import { describe, layer } from "@effect/vitest"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import { checks as datagramChecks } from "../../core/test/bridge/datagrams.ts"
import { checks as rpcChecks } from "../../core/test/bridge/rpcs.ts"
import { checks } from "../../core/test/bridge/sockets.ts"
import { resets } from "./fixtures/resets.ts"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))
afterAll(() => Fs.rmSync(folder, { recursive: true }))

let paths = 0
const subjects = {
  "TCP": { listen: () => "tcp://127.0.0.1:0", nobody: "tcp://127.0.0.1:1", resets },
  "a Unix-domain socket": {
    listen: () => `unix://${folder}/${++paths}`,
    nobody: `unix://${folder}/nobody`,
    resets: false
  }
}

layer(NodeNetwork.layer, { excludeTestServices: true })("the bridge to Effect's sockets", (it) => {
  const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(effect, Logger.layer([]))
  for (const [name, subject] of Object.entries(subjects)) {
    describe(`Socket and SocketServer over ${name}`, () => {
      for (const [what, check] of Object.entries(checks(subject))) it.effect(what, () => quiet(check))
    })
  }
  for (const [name, subject] of Object.entries(subjects)) {
    describe(`Effect RPC over ${name}`, () => {
      for (const [what, check] of Object.entries(rpcChecks(subject))) it.effect(what, () => quiet(check))
    })
  }
  describe("DatagramSocket", () => {
    for (const [what, check] of Object.entries(datagramChecks("udp://127.0.0.1:0"))) {
      it.effect(what, () => quiet(check))
    }
  })
})
