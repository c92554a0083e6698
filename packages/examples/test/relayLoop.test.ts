import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { refuseLoop } from "../src/relay/loop.ts"
import { relayTo } from "../src/relay/relay.ts"
import { run } from "./program.ts"

const endpoint = (text: string) => Result.getOrThrow(Endpoint.parse(text)) as Endpoint.StreamEndpoint

describe("a relay to itself", () => {
  it("is refused when it starts", async () => {
    const { code, stderr } = await run("relay --listen tcp://127.0.0.1:9 --to tcp://localhost:9")
    expect(code).toBe(1)
    expect(stderr).toBe(
      "the relay would connect to itself: it listens on tcp://127.0.0.1:9, and --to is tcp://localhost:9; " +
        "give --to the address of another server\n"
    )
  })

  const same = [
    ["tcp://127.0.0.1:9", "tcp://127.0.0.1:9"],
    ["tcp://127.0.0.1:9", "tls://127.0.0.1:9"],
    ["tcp://0.0.0.0:9", "tcp://127.0.0.1:9"],
    ["tcp://0.0.0.0:9", "tcp://127.7.7.7:9"],
    ["tcp://127.0.0.1:9", "tcp://0.0.0.0:9"],
    ["tcp://[::]:9", "tcp://127.0.0.1:9"],
    ["tcp://[::]:9", "tcp://[::1]:9"],
    ["tcp://[::1]:9", "tcp://[::1]:9"],
    ["tcp://localhost:9", "tcp://127.0.0.1:9"],
    ["unix:///run/a.sock", "unix:///run/../run/a.sock"]
  ] as const
  const others = [
    ["tcp://127.0.0.1:9", "tcp://127.0.0.1:10"],
    ["tcp://127.0.0.1:9", "tcp://127.0.0.2:9"],
    ["tcp://0.0.0.0:9", "tcp://192.0.2.1:9"],
    ["tcp://0.0.0.0:9", "tcp://[::1]:9"],
    ["tcp://127.0.0.1:9", "tcp://nobody.invalid:9"],
    ["unix:///run/a.sock", "unix:///run/b.sock"],
    ["tcp://127.0.0.1:9", "unix:///run/b.sock"]
  ] as const
  for (const [listen, to] of [...same, ...others]) {
    const isRefused = same.some((pair) => pair[0] === listen && pair[1] === to)
    it.live(`${listen} to ${to} is ${isRefused ? "refused" : "no loop"}`, () =>
      Effect.map(Effect.exit(refuseLoop(endpoint(listen), endpoint(to))), ({ _tag }) => {
        expect(_tag).toBe(isRefused ? "Failure" : "Success")
      }))
  }

  VitestSimulation.it(
    "that was not seen at the start ends with its first connection",
    Effect.gen(function*() {
      const [one, client] = yield* SimNetwork.hosts("one", "client")
      let accepted = 0
      const handler = relayTo({ endpoint: endpoint("tcp://one:7"), options: {} }, Option.none())
      yield* Host.serve(
        one,
        Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => {
          accepted++
          return handler(connection)
        })
      )
      const connection = yield* Effect.provide(Network.connect("tcp://one:7"), Host.layer(client))
      expect((yield* Effect.flip(Connection.read(connection))).reason._tag).toBe("ConnectionReset")
      expect(accepted).toBeGreaterThan(1)
      expect(accepted).toBeLessThan(10)
    }),
    { seeds: 20 }
  )

  VitestSimulation.it(
    "over another relay ends after 16 hops, if they send headers of version 2",
    Effect.gen(function*() {
      const [one, two, client] = yield* SimNetwork.hosts("one", "two", "client")
      let accepted = 0
      const serve = (to: string) => {
        const handler = relayTo({ endpoint: endpoint(to), options: {} }, Option.some(2))
        const proxyProtocol = { trusted: ["0.0.0.0/0"] } as const
        return Server.layer({ listen: "tcp://0.0.0.0:7", proxyProtocol }, (connection) => {
          accepted++
          return handler(connection)
        })
      }
      yield* Host.serve(one, serve("tcp://two:7"))
      yield* Host.serve(two, serve("tcp://one:7"))
      const connection = yield* Effect.provide(
        Network.connect("tcp://one:7", { proxyProtocol: ProxyProtocol.local }),
        Host.layer(client)
      )
      expect((yield* Effect.flip(Connection.read(connection))).reason._tag).toBe("ConnectionReset")
      expect(accepted).toBe(16)
    }),
    { seeds: 20 }
  )
})
