import { assert, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as References from "effect/References"
import { inspect } from "node:util"
import { FakeTransport } from "./connection/FakeTransport.ts"

const local = NetAddress.inetAddressFromStringUnsafe("127.0.0.1:7")
const peer = NetAddress.inetAddressFromStringUnsafe("192.0.2.1:50000")

it.effect("the peer of a handler's log lines is asked for when one is written", () =>
  Effect.gen(function*() {
    let asked = 0
    const accept = () => {
      const transport = new FakeTransport()
      const get = () => {
        asked++
        return peer
      }
      const onClose = () => transport.receiver!.onClose()
      listener!.onConnection(
        Object.defineProperty(Object.assign(transport, { destroy: onClose, reset: onClose }), "remoteAddress", { get })
      )
      transport.receiver!.onEnd()
    }
    let listener: Transport.ListenerReceiver | undefined
    const refuse = () => Effect.die("not used")
    const network = yield* Transport.makeNetwork({
      resolver: AddressResolver.make(Dns.make({ lookup: refuse })),
      connect: refuse,
      secure: refuse,
      bind: refuse,
      listen: (_, __, receiver) =>
        Effect.sync(() => {
          listener = receiver
          return { address: local, close: Effect.void }
        })
    })
    const lines: Array<unknown> = []
    const printed: Array<string> = []
    const logger = Logger.make(({ fiber }) => {
      const annotations = fiber.getRef(References.CurrentLogAnnotations)
      lines.push({ ...annotations })
      printed.push(inspect(annotations))
    })
    const handlers = [Effect.void, Effect.log("one"), Effect.annotateLogs(Effect.log("two"), "who", "Ada")]
    yield* Server.make({ listen: "tcp://127.0.0.1:7", drain: 0 }, () => handlers.shift()!).pipe(
      Effect.provideService(Network.Network, network),
      Effect.annotateLogs("app", "echo"),
      Effect.provide(Logger.layer([logger]))
    )
    accept()
    assert.strictEqual(asked, 0)
    accept()
    accept()
    const common = { app: "echo", peer: "192.0.2.1:50000" }
    assert.deepStrictEqual(lines, [common, { ...common, who: "Ada" }])
    // The default logger gives the annotations to the console as they are.
    assert.deepStrictEqual(printed, lines.map((line) => inspect(line)))
  }).pipe(Effect.scoped))
