import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { BadFlag, readText } from "../cli/BadFlag.ts"
import * as flags from "../cli/flags.ts"
import { positiveNumber, setting } from "../cli/setting.ts"
import * as masterFile from "./masterFile.ts"
import { serve } from "./server.ts"
import { Zone } from "./Zone.ts"

const readZone = Effect.fnUntraced(function*(path: string) {
  const text = yield* readText(path, "zone", "zone file")
  return yield* Effect.fromResult(Result.flatMap(masterFile.parse(text), Zone.make)).pipe(
    Effect.mapError((error) => new BadFlag({ message: `invalid zone file ${path}: ${error.message}` }))
  )
})

const address = (text: string): Option.Option<NetAddress.InetAddress> =>
  Option.orElse(
    Option.getSuccess(NetAddress.inetAddressFromString(text)),
    () => Option.getSuccess(Result.map(NetAddress.ipFromString(text), (ip) => NetAddress.inetAddressUnsafe(ip, 53)))
  )

const server = Command.make(
  "server",
  {
    ...flags.datagramAddress(12353),
    drain: flags.drain,
    zone: Flag.Path("zone").pipe(Flag.withDescription("The zone file to answer from")),
    forward: setting("forward", {
      metavar: "address",
      description: "The server to ask for names outside the zone; default: they are refused; default port: 53",
      expected: "an IP address, with or without a port",
      parse: address
    }).pipe(Flag.optional),
    cache: positiveNumber("cache", "Answers of --forward that are kept; default: 10000").pipe(
      Flag.withDefault(10_000)
    )
  },
  Effect.fnUntraced(
    function*({ forward, host, zone: path, ...options }) {
      const zone = yield* readZone(path)
      const upstream = Option.getOrUndefined(forward)
      if (
        upstream !== undefined && upstream.port === options.port &&
        Host.formatHost(host) === NetAddress.formatIp(upstream.address)
      ) {
        return yield* new BadFlag({
          message: "the server would ask itself; give --forward the address of another server"
        })
      }
      const Dns = Effect.flatMap(serve({ ...options, host, zone, forward: upstream }), flags.printListening)
      return yield* NodeProgram.launch(Layer.provide(Layer.effectDiscard(Dns), NodeNetwork.layer))
    }
  )
).pipe(Command.withDescription("Answer from a zone file, and for other names from another server"))

export const dns = Command.make("dns").pipe(
  Command.withDescription("A name server, over UDP and TCP"),
  Command.withSubcommands([server])
)
