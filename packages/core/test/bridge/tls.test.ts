import { describe } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { overTls } from "../../../simulation/test/fixtures/overTls.ts"
import type { Identities } from "./identities.ts"
import { checks as rpcChecks } from "./rpcs.ts"
import { checks as rpcTlsChecks } from "./rpcsOverTls.ts"
import { checks as socketChecks } from "./sockets.ts"
import { checks as upgradeChecks } from "./upgrades.ts"

const authority = SimCertificate.authority("Test CA")
const identities: Identities = {
  authority: authority.certificate,
  server: authority.issue({ names: ["localhost", "127.0.0.1"] }),
  client: authority.issue({ commonName: "a client" })
}

type Check = Effect.Effect<void, unknown, Network.Network | Scope.Scope>

const all = (
  checks: Record<string, Check>,
  network: (inner: Network.Network["Service"]) => Network.Network["Service"] = (inner) => inner
) => {
  for (const [what, check] of Object.entries(checks)) {
    const quiet = Effect.scoped(check).pipe(
      Effect.updateService(Network.Network, network),
      Effect.provide(Logger.layer([]))
    )
    VitestSimulation.it(what, Effect.flatMap(SimNetwork.host("host"), (host) => Host.run(host, quiet)), { seeds: 5 })
  }
}

let paths = 0
const clear = {
  "TCP": { listen: () => "tcp://127.0.0.1:0", ...identities },
  "Unix-domain": { listen: () => `unix:///run/${++paths}`, ...identities }
}

for (const [name, subject] of Object.entries(clear)) {
  describe(`a Socket that is upgraded to TLS over ${name}, in a simulation`, () => {
    all(upgradeChecks(subject))
  })
}

describe("Effect RPC over TLS, in a simulation", () => {
  all(rpcTlsChecks(identities))
})

describe("over a simulated network on which all is TLS", () => {
  const subject = { listen: () => "tcp://127.0.0.1:0", nobody: "tcp://127.0.0.1:1", resets: true }
  describe("Socket and SocketServer", () => {
    all(socketChecks(subject), overTls)
  })
  describe("Effect RPC", () => {
    all(rpcChecks(subject), overTls)
  })
})
