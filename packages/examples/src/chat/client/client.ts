/** `chat client`: a person on a terminal, or a script. */
import * as Endpoint from "@sluice/core/Endpoint"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as flags from "../../cli/flags.ts"
import { setting } from "../../cli/setting.ts"
import { Name } from "../protocol/Name.ts"
import { port } from "../server/server.ts"
import * as Terminal from "../terminal/Terminal.ts"
import * as ChatClient from "./ChatClient.ts"
import * as interactive from "./interactive.ts"
import * as script from "./script.ts"

const decodeName = Schema.decodeResult(Name)

const name = (flag: string, description: string) =>
  setting(flag, {
    metavar: "name",
    description,
    expected: "letters, digits, \"_\", \"-\" and \".\", 20 at most",
    parse: (text) => Option.getSuccess(Result.map(decodeName(text), String))
  })

const nick = name("nick", "Name; default: a guest name").pipe(Flag.optional)
const room = name("room", "Room to enter; default: lobby").pipe(Flag.withDefault("lobby"))

export const client = Command.make(
  "client",
  { ...flags.client(port), nick, room },
  Effect.fnUntraced(
    function*(options) {
      const { endpoint: server, options: connect } = yield* flags.connecting(options)
      const isPerson = Terminal.isThere()
      const client = yield* ChatClient.make({
        server,
        connect,
        nick: Option.getOrUndefined(options.nick),
        room: options.room,
        // A script is told that its lines went nowhere.
        schedule: isPerson ? undefined : Schedule.recurs(0)
      })
      yield* isPerson
        ? interactive.run(client, Endpoint.format(server), { isColored: (process.env.NO_COLOR ?? "") === "" })
        : script.run(client)
    },
    Effect.scoped,
    Effect.provide(NodeNetwork.layer)
  )
).pipe(Command.withDescription("Join a chat, on a terminal or with the lines of standard input"))
