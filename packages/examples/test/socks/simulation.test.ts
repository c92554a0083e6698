/** A SOCKS5 proxy on a simulated network: hostile clients, and what each side hears when the other cannot be reached. */
import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import { Credentials } from "../../src/cli/Credentials.ts"
import * as conversation from "../../src/socks/conversation.ts"

const seeds = Number(process.env["SLUICE_SEEDS"] ?? 5)

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"))
const shown = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** Answers each look-up with the next of these, and the last from then on. */
const answering = (...answers: ReadonlyArray<string>) => {
  let asked = 0
  const lookup = () =>
    Effect.sync(() => [NetAddress.ipFromStringUnsafe(answers[Math.min(asked++, answers.length - 1)]!)])
  const dns = Dns.make({ lookup })
  return { asked: () => asked, layer: Layer.succeed(AddressResolver.AddressResolver, AddressResolver.make(dns)) }
}

/** A client, a proxy, and a target that echoes. */
const network = Effect.fnUntraced(function*(
  options: Partial<conversation.Options> = {},
  names: Layer.Layer<AddressResolver.AddressResolver> = answering("10.0.0.1").layer,
  address = "10.0.0.1"
) {
  const target = yield* SimNetwork.host("target", { addresses: [address] })
  const [proxy, client] = yield* SimNetwork.hosts("proxy", "client")
  const targetEnds: Array<string> = []
  yield* Host.serve(
    target,
    Server.layer(
      { listen: "tcp://0.0.0.0:7", idleTimeout: "5 minutes" },
      (connection) =>
        Connection.pipeTo(connection, connection).pipe(
          Effect.onExit((exit) => Effect.sync(() => targetEnds.push(exit._tag)))
        )
    )
  )
  const handler = conversation.handler({
    rules: { allow: [], deny: [], isPublic: false },
    handshakeTimeout: "10 seconds",
    connectTimeout: "10 seconds",
    ...options
  })
  const running = yield* Server.make({ listen: "tcp://0.0.0.0:1080" }, handler).pipe(
    Effect.provide(Layer.merge(Host.layer(proxy), names))
  )
  const connect = Effect.provide(Network.connect("proxy:1080"), Host.layer(client))
  return { target, proxy, client, connect, targetEnds, open: running.connections }
})

/** Sends bytes, ends, and returns what comes back. */
const say = Effect.fnUntraced(function*(connection: Connection.Connection, text: string) {
  yield* Connection.write(connection, hex(text))
  yield* Connection.end(connection)
  return shown(yield* Connection.readAll(connection))
})

const greeting = "05 01 00"
const chosen = "0500"
const toTarget = "05 01 00 01 0a000001 0007"
/** A reply with a code, and no address. */
const rejected = (code: string) => `05${code}0001${"00".repeat(6)}`

describe("socks", () => {
  VitestSimulation.it(
    "answers what it understands, and closes the rest, whatever the bytes are",
    Effect.gen(function*() {
      const { connect } = yield* network()
      const cases: ReadonlyArray<readonly [sent: string, heard: string]> = [
        ["", ""],
        ["04 01 0007 0a000001 00", ""],
        ["47 45 54 20 2f 20 48 54 54 50", ""],
        ["05 00", "05ff"],
        ["05 02 01 02", "05ff"],
        [`${greeting} 05 02 00 01 0a000001 0007`, chosen + rejected("07")],
        [`${greeting} 05 03 00 01 0a000001 0007`, chosen + rejected("07")],
        [`${greeting} 05 f0 00 01 0a000001 0007`, chosen + rejected("07")],
        [`${greeting} 05 01 00 02 0a000001 0007`, chosen + rejected("08")],
        [`${greeting} 04 01 00 01 0a000001 0007`, chosen + rejected("01")],
        [`${greeting} 05 01 00 03 00 0007`, chosen + rejected("04")],
        [`${greeting} 05 01 00 03 02 c328 0007`, chosen + rejected("08")],
        [`${greeting} 05 01 00 03 03 612e2e 0007`, chosen + rejected("04")],
        [`${greeting} 05 01 00 01 0a0000`, chosen + rejected("01")],
        [`${greeting} 05 01 00 01 0a000001 0008`, chosen + rejected("05")],
        [`${greeting} 05 01 00 01 0a0000fe 0007`, chosen + rejected("06")]
      ]
      for (const [sent, heard] of cases) {
        const connection = yield* connect
        const said = yield* Effect.orElseSucceed(say(connection, sent), () => "reset")
        expect([sent, said]).toEqual([sent, heard])
      }
      // Bytes behind the request are for the target, and an end is carried over.
      const answer = yield* say(yield* connect, `${greeting} ${toTarget} 68656c6c6f`)
      expect(answer).toMatch(/^0500050000010a000002....68656c6c6f$/)
    }),
    { seeds }
  )

  VitestSimulation.it(
    "asks for a user name and a password, and says no more than that they are wrong",
    Effect.gen(function*() {
      const { connect } = yield* network({ credentials: new Credentials([["bob", "secret"]]) })
      const login = (name: string, password: string) =>
        `01 ${
          [name, password].map((each) => Buffer.from([each.length, ...Buffer.from(each)]).toString("hex")).join("")
        }`
      for (const [name, password] of [["bob", "secret "], ["bo", "b secret"], ["", ""], ["bob", "secret\0"]] as const) {
        const said = yield* say(yield* connect, `05 02 00 02 ${login(name, password)} ${toTarget}`)
        expect([name, password, said]).toEqual([name, password, "05020101"])
      }
      expect(yield* say(yield* connect, `${greeting} ${toTarget}`)).toBe("05ff")
      expect(yield* say(yield* connect, `05 01 02 ${login("bob", "secret")} ${toTarget} 68`)).toMatch(
        /^05020100050000010a000002....68$/
      )
    }),
    { seeds }
  )

  VitestSimulation.it(
    "does not wait for a client that sends a byte now and then",
    Effect.gen(function*() {
      const { connect } = yield* network()
      const begun = yield* Clock.currentTimeMillis
      const connection = yield* connect
      const drip = Effect.andThen(Connection.write(connection, hex("05")), Effect.sleep("1 second"))
      yield* Connection.write(connection, hex("05 ff"))
      yield* Effect.exit(Effect.forever(drip))
      const took = (yield* Clock.currentTimeMillis) - begun
      expect(took).toBeGreaterThanOrEqual(10_000)
      expect(took).toBeLessThan(12_000)
    }),
    { seeds }
  )

  VitestSimulation.it(
    "connects to the address that it has checked, whatever the name resolves to the next time",
    Effect.gen(function*() {
      const names = answering("8.8.8.8", "127.0.0.1")
      const isPublic = { rules: { allow: [], deny: [], isPublic: true } }
      const { connect } = yield* network(isPublic, names.layer, "8.8.8.8")
      const byName = "05 01 00 03 06 732e74657374 0007"
      expect(yield* say(yield* connect, `${greeting} ${byName} 68`)).toMatch(/^05000500000\w{13}68$/)
      expect(names.asked()).toBe(1)
      expect(yield* say(yield* connect, `${greeting} ${byName} 68`)).toBe(chosen + rejected("02"))
      expect(names.asked()).toBe(2)
    }),
    { seeds }
  )

  for (const cut of ["target", "client"] as const) {
    VitestSimulation.it(
      `closes both sides when a partition cuts off the ${cut}`,
      Effect.gen(function*() {
        const hosts = yield* network()
        const { connect, open, proxy, targetEnds } = hosts
        const connection = yield* connect
        yield* Connection.write(connection, hex(`${greeting} ${toTarget}`))
        yield* Connection.readExactly(connection, 12)
        // Both sides have something to say all the time.
        const talk = yield* Effect.forkChild(Effect.all([
          Effect.forever(Effect.andThen(Connection.writeText(connection, "hello"), Effect.sleep("1 second"))),
          Effect.andThen(Connection.readAll(connection), Effect.fail("ended"))
        ], { concurrency: 2 }))
        yield* Effect.sleep("10 seconds")
        expect((yield* open).length).toBe(1)
        yield* Fault.partition(proxy, hosts[cut])
        expect(Exit.isFailure(yield* Fiber.await(talk))).toBe(true)
        yield* Effect.sleep("1 hour")
        expect((yield* open).length).toBe(0)
        expect(targetEnds).toEqual(["Failure"])
      }),
      { seeds, limit: { time: "1 day" } }
    )
  }
})
