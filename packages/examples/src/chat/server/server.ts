/** `chat server`: rooms in which people talk, for `nc`, `telnet`, `chat client` and browsers. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as Server from "@sluice/core/Server"
import type * as ServerPolicy from "@sluice/core/ServerPolicy"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { BadFlag } from "../../cli/BadFlag.ts"
import * as flags from "../../cli/flags.ts"
import * as setting from "../../cli/setting.ts"
import * as tls from "../../cli/tls.ts"
import { launch, workers } from "../../cli/workers.ts"
import * as Redis from "../../redis/client/url.ts"
import * as Text from "../protocol/Text.ts"
import * as Wire from "../protocol/Wire.ts"
import * as ChatServer from "./ChatServer.ts"
import * as History from "./history/History.ts"
import * as SqliteHistory from "./history/SqliteHistory.ts"
import * as Settings from "./Settings.ts"

/** Where the chat is, unless something else is said. */
export const port = 12350

const { defaults } = Settings

const between = (name: string, description: string, from = 1, to = 1_000_000): Flag.Flag<number> =>
  setting.setting(name, {
    metavar: "number",
    description,
    expected: `a whole number from ${from} to ${to}`,
    parse: (text) => Option.filter(setting.wholeNumber(text), (number) => number >= from && number <= to)
  })

const count = (name: string, byDefault: number, description: string, from?: number, to?: number): Flag.Flag<number> =>
  between(name, `${description}; default: ${byDefault}`, from, to).pipe(Flag.withDefault(byDefault))

const duration = (name: string, input: Duration.Input, description: string) => {
  const byDefault = Duration.fromInputUnsafe(input)
  return setting.duration(name, `${description}; default: ${Duration.format(byDefault).replace(" ", "")}`).pipe(
    Flag.withDefault(byDefault)
  )
}

const motd = Flag.FileText("motd").pipe(
  Flag.withDescription("File with the greeting for new clients"),
  Flag.map((text) => text.trimEnd().split("\n").map((line) => Text.clean(line).slice(0, 1000))),
  Flag.withDefault<ReadonlyArray<string>>([])
)

const data = Flag.Path("data").pipe(
  Flag.withDescription("Folder that keeps the history across restarts, in SQLite; default: in memory"),
  Flag.optional
)

const redis = setting.setting("redis", {
  metavar: "url",
  description: "Redis that connects several servers and keeps the history, such as redis://127.0.0.1:6379",
  expected: "a URL such as redis://:password@127.0.0.1:6379 or unix:///run/redis.sock",
  parse: Redis.parse
}).pipe(Flag.optional)

/** The flags beyond those that say where. */
export const settings = {
  public: flags.forStrangers,
  history: count("history", defaults.history, "Lines of a room shown to a client that enters it", 0, 500),
  motd,
  data,
  redis,
  workers,
  web: setting.setting("web", {
    metavar: "host:port",
    description: "Address of the web page of the chat, such as 127.0.0.1:8080; default: no page",
    expected: "an address such as 127.0.0.1:8080 or [::1]:8080",
    parse: (text) =>
      Option.filter(
        Option.getSuccess(Endpoint.parse(text)),
        (endpoint): endpoint is Endpoint.Tcp => endpoint._tag === "Tcp"
      )
  }).pipe(Flag.optional),
  webOrigin: setting.setting("web-origin", {
    metavar: "origins",
    description: "Origins of the page behind a proxy or a name, such as https://chat.example.org, separated by commas",
    expected: "origins such as https://chat.example.org",
    parse: (text) =>
      Option.some(text.split(",")).pipe(Option.filter((all) => all.every((each) => URL.parse(each)?.origin === each)))
  }).pipe(Flag.withDefault<ReadonlyArray<string>>([])),
  clients: count("clients", defaults.clients, "Clients connected at once; more are rejected with the reason"),
  clientsPerAddress: between(
    "clients-per-address",
    "Clients connected from one address (IPv6: one /64 network); default: half of --clients"
  ).pipe(Flag.optional),
  acceptRate: count("accept-rate", 20, "New connections a second from one address, with bursts of five times that"),
  burst: count(
    "burst",
    defaults.rate.burst,
    "Lines at once from one address; after 30 rejected lines the server disconnects"
  ),
  refill: duration("refill", defaults.rate.refill, "Time until one more line is accepted; 0s: no limit"),
  introduction: duration("introduction", defaults.introduction, "Time to choose a name or enter a room"),
  idle: duration("idle", defaults.idle, "Silence before the server pings a client"),
  idleGrace: duration("idle-grace", defaults.idleGrace, "Time for the client to answer the ping"),
  queue: count("queue", defaults.queue, "Lines buffered for a slow client before it is disconnected", 600),
  drain: flags.drain
}

/** Why the flags contradict each other, if they do. */
const conflict = ({ data, redis, workers }: {
  readonly data: Option.Option<string>
  readonly redis: Option.Option<unknown>
  readonly workers: Option.Option<number>
}): string | undefined => {
  if (Option.isSome(data) && Option.isSome(redis)) return "--data and --redis both keep the history; leave one out"
  if (Option.isSome(workers) && Option.isNone(redis)) {
    return "--workers needs --redis: without it, each worker has its own rooms; start a Redis and give --redis URL"
  }
  return undefined
}

export const server = Command.make(
  "server",
  { ...flags.streamAddress(port), tls: tls.server, ...settings },
  Effect.fnUntraced(function*(options) {
    const problem = conflict(options)
    if (problem !== undefined) return yield* new BadFlag({ message: problem })
    const { acceptRate, public: isPublic, burst, clientsPerAddress, data, drain, motd, refill, web, ...rest } = options
    const half = Math.ceil(options.clients / 2)
    const limits = {
      ...rest,
      greeting: motd,
      clientsPerAddress: Option.getOrElse(clientsPerAddress, () => isPublic ? 50 : half),
      rate: { burst, refill: Duration.toMillis(refill) }
    }
    const policy: ServerPolicy.ServerPolicy = {
      ...flags.preset(isPublic),
      drain,
      acceptRatePerAddress: { perSecond: acceptRate, burst: 5 * acceptRate }
    }
    const Chat = Effect.gen(function*() {
      const browsers = Option.isSome(web) ? yield* Effect.promise(() => import("../web/WebChat.ts")) : undefined
      const serve = yield* ChatServer.makeShared(limits, browsers ? [Wire.text, browsers.wire] : [Wire.text])
      const listening = yield* tls.listening(flags.streamEndpoint(options), options.tls)
      const lines = Server.layer({
        ...policy,
        // The chat tells rejected clients why, so it counts them itself.
        maxConnections: undefined,
        maxConnectionsPerAddress: undefined,
        ...listening,
        onListening: flags.printListening
      }, serve(Wire.text))
      if (browsers === undefined || Option.isNone(web)) return lines
      const shown = yield* tls.listening(web.value, options.tls)
      const page = browsers.layer({
        ...policy,
        // A browser loads the page over connections besides that of its client.
        maxConnections: limits.clients + 1000,
        maxConnectionsPerAddress: limits.clientsPerAddress + 20,
        ...shown,
        origins: options.webOrigin,
        onListening: (address) => flags.announce(browsers.printListening(shown.listen)(address))
      }, serve)
      return Layer.merge(lines, page)
    })
    const Kept = Option.match(data, { onNone: () => History.layerMemory, onSome: SqliteHistory.layer })
    const Servers = Option.match(options.redis, {
      onNone: () => Layer.provide(Layer.unwrap(Chat), [ChatServer.layerAlone, Kept]),
      onSome: (redis) =>
        Layer.unwrap(Effect.map(
          Effect.promise(() => import("./elsewhere/overRedis.ts")),
          (shared) => Layer.provide(Layer.unwrap(Chat), shared.layer(redis))
        ))
    })
    return yield* Effect.provide(launch(options, Servers), NodeNetwork.layer)
  })
).pipe(Command.withDescription("A chat server with rooms, for browsers, nc, telnet and chat client"))
