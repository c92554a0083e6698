import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as flags from "../cli/flags.ts"
import { setting, wholeNumber } from "../cli/setting.ts"
import * as masterFile from "./masterFile.ts"
import { serve } from "./server.ts"
import { Zone } from "./Zone.ts"

class BadFlag extends Data.TaggedError("BadFlag")<{ readonly message: string }> {}

const readZone = Effect.fnUntraced(function*(path: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const text = yield* fileSystem.readFileString(path).pipe(
    Effect.mapError((error) => new BadFlag({ message: `cannot read the zone file: ${error.message}; check --zone` }))
  )
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
    cache: setting("cache", {
      metavar: "number",
      description: "Answers of --forward that are kept; default: 10000",
      expected: "a whole number from 1 up",
      parse: (text) => Option.filter(wholeNumber(text), (number) => number > 0)
    }).pipe(Flag.withDefault(10_000))
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
      const listening = yield* serve({ ...options, host, zone, forward: upstream })
      yield* flags.printListening(listening)
      return yield* Effect.never
    },
    Effect.scoped,
    Effect.provide(NodeNetwork.layer)
  )
).pipe(Command.withDescription("Answer from a zone file, and for other names from another server"))

export const dns = Command.make("dns").pipe(
  Command.withDescription("A name server, over UDP and TCP"),
  Command.withSubcommands([server])
)
