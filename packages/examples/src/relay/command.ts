/** `relay`: passes on what comes over TCP, TLS or a Unix-domain socket, over any of these. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Host from "effect/net/Host"
import * as Option from "effect/Option"
import * as flags from "../cli/flags.ts"
import { duration, setting } from "../cli/setting.ts"
import * as tls from "../cli/tls.ts"
import { refuseLoop } from "./loop.ts"
import { relayTo } from "./relay.ts"
import * as toxic from "./toxics.ts"

const endpoint = (name: string, description: string): Flag.Flag<Endpoint.StreamEndpoint> =>
  setting(name, {
    metavar: "endpoint",
    description,
    expected: "tcp://host:port, tls://host:port or unix:///path",
    parse: (text) =>
      Option.filter(
        Option.getSuccess(Endpoint.parse(text)),
        (endpoint): endpoint is Endpoint.StreamEndpoint => endpoint._tag !== "Udp"
      )
  })

const isLocal = (endpoint: Endpoint.StreamEndpoint): boolean =>
  endpoint._tag === "Unix" || /^(?:localhost|127\..*|\[?::1\]?)$/.test(Host.formatHost(endpoint.host))

const acceptProxy = setting("accept-proxy", {
  metavar: "networks",
  description: "Trust the PROXY headers of these addresses, such as 127.0.0.1,10.0.0.0/8,unix",
  expected: "networks and addresses, with commas between them",
  parse: (text) => Option.some(text.split(",").map((each) => each.trim()))
}).pipe(Flag.optional)

const control = endpoint(
  "control",
  "Endpoint on this machine that takes commands, one a line: show, set latency=100ms slice=7, clear"
).pipe(
  Flag.filter(isLocal, () => "Expected a Unix-domain socket or a loopback address: commands are not protected"),
  Flag.optional
)

const versions = { v1: 1, v2: 2 } as const

const sendProxy = setting("send-proxy", {
  metavar: "v1|v2",
  description: "Send the client's address to the server in a PROXY header of this version",
  expected: "v1 or v2",
  parse: (text) => Object.hasOwn(versions, text) ? Option.some(versions[text as keyof typeof versions]) : Option.none()
}).pipe(Flag.optional)

export const relay = Command.make(
  "relay",
  {
    listen: endpoint("listen", "Endpoint that clients connect to"),
    to: endpoint("to", "Endpoint of the server"),
    acceptProxy,
    sendProxy,
    tls: tls.server,
    toTls: tls.peer("to-tls"),
    connectTimeout: duration("connect-timeout", "Time to reach the server, name lookup and TLS included; default: 30s")
      .pipe(
        Flag.withDefault(Duration.seconds(30))
      ),
    ...toxic.flags,
    control,
    ...flags.policy
  },
  Effect.fnUntraced(
    function*(options) {
      yield* refuseLoop(options.listen, options.to)
      const listening = yield* tls.serving(options.listen, options.tls)
      const dialling = yield* tls.dialling(options.to, options.toTls)
      const to = { ...dialling, options: { ...dialling.options, connectTimeout: options.connectTimeout } }
      const toxics = yield* toxic.fromFlags(options)
      // Without toxics, bytes are passed on without a copy.
      const isToxic = !toxics.isEmpty || Option.isSome(options.control)
      const Relay = Server.layer({
        ...flags.serverPolicy(options),
        ...listening,
        proxyProtocol: Option.getOrUndefined(Option.map(options.acceptProxy, (trusted) => ({ trusted }))),
        onListening: flags.printListening
      }, relayTo(to, options.sendProxy, isToxic ? toxics.toxics : undefined))
      const All = Option.match(options.control, {
        onNone: () => Relay,
        onSome: (endpoint) => Layer.merge(toxic.controlServer(endpoint, toxics), Relay)
      })
      yield* NodeProgram.launch(Layer.provide(All, NodeNetwork.layer))
    },
    Effect.scoped
  )
).pipe(Command.withDescription("Relay connections between TCP, TLS and Unix-domain sockets; also over a bad network"))
