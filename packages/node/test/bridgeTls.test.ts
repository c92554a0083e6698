import { describe, it } from "@effect/vitest"
import type * as Network from "@sluice/core/Network"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import { checks as rpcChecks } from "../../core/test/bridge/rpcs.ts"
import { checks as rpcTlsChecks } from "../../core/test/bridge/rpcsOverTls.ts"
import { checks as socketChecks } from "../../core/test/bridge/sockets.ts"
import { checks as upgradeChecks } from "../../core/test/bridge/upgrades.ts"
import * as Certificates from "../src/TestCertificates.ts"
import { overTls } from "./fixtures/overTls.ts"
import { resets } from "./fixtures/resets.ts"

const identities = await Effect.runPromise(Effect.gen(function*() {
  const authority = yield* Certificates.authority("Test CA")
  return {
    authority: authority.certificate,
    server: yield* authority.issue({ names: ["localhost", "127.0.0.1"] }),
    client: yield* authority.issue({ commonName: "a client" })
  }
}))

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))
afterAll(() => Fs.rmSync(folder, { recursive: true }))

let paths = 0
const clear = {
  "TCP": { listen: () => "tcp://127.0.0.1:0", ...identities },
  "a Unix-domain socket": { listen: () => `unix://${folder}/${++paths}`, ...identities }
}

const run = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.scoped, Effect.provide([NodeNetwork.layer, Logger.layer([])]))

for (const [name, subject] of Object.entries(clear)) {
  describe(`a Socket that is upgraded to TLS over ${name}`, () => {
    for (const [what, check] of Object.entries(upgradeChecks(subject))) it.live(what, () => run(check))
  })
}

describe("Effect RPC over TLS", () => {
  for (const [what, check] of Object.entries(rpcTlsChecks(identities))) it.live(what, () => run(check))
})

describe("over a network on which all is TLS", () => {
  const subject = { listen: () => "tcp://127.0.0.1:0", nobody: "tcp://127.0.0.1:1", resets }
  const secured = overTls(NodeNetwork.layer)
  const onSecured = <A, E>(effect: Effect.Effect<A, E, Network.Network | Scope.Scope>) =>
    effect.pipe(Effect.scoped, Effect.provide([secured, Logger.layer([])]))
  describe("Socket and SocketServer", () => {
    for (const [what, check] of Object.entries(socketChecks(subject))) it.live(what, () => onSecured(check))
  })
  describe("Effect RPC", () => {
    for (const [what, check] of Object.entries(rpcChecks(subject))) it.live(what, () => onSecured(check))
  })
})
