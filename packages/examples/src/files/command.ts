import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { statfs } from "node:fs/promises"
import { basename } from "node:path"
import * as flags from "../cli/flags.ts"
import { positiveDuration, positiveNumber, setting, toggle, wholeNumber } from "../cli/setting.ts"
import * as client from "./client.ts"
import * as Pace from "./Pace.ts"
import * as progress from "./progress.ts"
import { failure } from "./protocol.ts"
import { handler } from "./server.ts"
import * as Store from "./Store.ts"

const units = { "": 1, k: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

/** A number of bytes, such as `500k`, `20M` or `1.5G`. */
const bytes = (name: string, description: string) =>
  setting(name, {
    metavar: "bytes",
    description,
    expected: "a number of bytes such as 65536, 500k, 20M or 1.5G",
    parse: (text) => {
      const [, amount, unit] = /^(\d{1,15}(?:\.\d+)?)([kMGT]?)$/.exec(text) ?? []
      const size = Math.round(Number(amount) * units[(unit ?? "") as keyof typeof units])
      return Option.liftPredicate(size, (size) => size > 0 && Number.isSafeInteger(size))
    }
  })

const shared = {
  limit: bytes("limit", "Bytes per second of all transfers together; default: unlimited").pipe(
    Flag.map(Pace.make),
    Flag.withDefault(Pace.unlimited)
  ),
  idleTimeout: positiveDuration("idle-timeout", "Time that a block of 256 KiB may take; default: 30s").pipe(
    Flag.withDefault(Duration.seconds(30))
  )
}

const storing = {
  replace: toggle("replace", "Replace files that are there; refused without it"),
  maxSize: bytes("max-size", "Largest file to receive; default: unlimited").pipe(
    Flag.withDefault(Number.MAX_SAFE_INTEGER)
  ),
  keepFree: bytes("keep-free", "Space to leave on the disk; default: 64M").pipe(Flag.withDefault(64 * units.M))
}

const freeSpace = (folder: string) =>
  Effect.tryPromise({
    try: () => statfs(folder),
    catch: () => failure("Failed", "the free space cannot be found out; check the disk")
  }).pipe(Effect.map(({ bavail, bsize }) => bavail * bsize))

const server = Command.make(
  "server",
  { folder: Argument.Directory("DIR", { mustExist: true }), ...flags.server(12354), ...storing, ...shared },
  Effect.fnUntraced(function*({ idleTimeout, limit, ...options }) {
    const store = yield* Store.make({ ...options, freeSpace })
    // The handler has the timeout: a connection that is silent while this side reads its disk is not idle.
    const Files = Effect.map(
      flags.serverOptions({ ...options, idleTimeout: Option.none() }),
      (server) => Server.layer(server, handler({ store, pace: limit, idleTimeout }))
    )
    return yield* NodeProgram.launch(Layer.provide(Layer.unwrap(Files), NodeNetwork.layer))
  })
).pipe(Command.withDescription("Receive files into a folder, and send files of it"))

const transferring = {
  ...flags.client(12354),
  ...shared,
  retries: setting("retries", {
    metavar: "number",
    description: "How often to connect again without progress in between; default: 10",
    expected: "a whole number",
    parse: wholeNumber
  }).pipe(Flag.withDefault(10)),
  parallel: positiveNumber("parallel", "Files at once; default: 4").pipe(Flag.withDefault(4))
}

/** Transfers all files, prints a line for each, and fails if one of them did. */
const transferAll = Effect.fnUntraced(
  function*<E extends { readonly message: string }, R>(
    verb: string,
    names: ReadonlyArray<string>,
    { idleTimeout, limit, parallel, retries, ...options }: Command.Command.Config.Infer<typeof transferring>,
    transfer: (name: string, options: client.Options) => Effect.Effect<string, E, R>
  ) {
    const report = yield* progress.make(process.stderr)
    const { endpoint, options: connectOptions } = yield* flags.connecting(options)
    const connect = Network.connect(endpoint, connectOptions)
    const onRetry = (message: string) => Effect.andThen(Effect.sync(report.clear), Effect.logWarning(message))
    const results = yield* Effect.forEach(
      new Set(names),
      (name) =>
        transfer(name, { connect, idleTimeout, retries, pace: limit, onRetry, onProgress: report.onProgress(name) })
          .pipe(
            Effect.mapError(({ message }) => failure("Failed", `${name}: ${message}`)),
            Effect.tap((hash) => {
              report.clear()
              return Console.log(`${verb} ${name}, SHA-256 ${hash}`)
            }),
            Effect.result
          ),
      { concurrency: parallel }
    ).pipe(Effect.ensuring(Effect.sync(report.clear)))
    const failures = results.filter(Result.isFailure).map(({ failure }) => failure)
    for (const { message } of failures.slice(0, -1)) yield* Console.error(message)
    if (failures.length > 0) return yield* failures.at(-1)!
  },
  Effect.provide(NodeNetwork.layer)
)

const send = Command.make(
  "send",
  { files: Argument.String("FILE").pipe(Argument.atLeast(1)), ...transferring },
  ({ files, ...options }) =>
    transferAll("sent", files, options, (path, options) => client.send(path, basename(path), options))
).pipe(Command.withDescription("Send files to the server; what it has of them is not sent again"))

const get = Command.make(
  "get",
  {
    names: Argument.String("NAME").pipe(Argument.atLeast(1)),
    to: Flag.Path("to").pipe(
      Flag.withDescription("Folder for the files; default: the current one"),
      Flag.withDefault(".")
    ),
    ...storing,
    ...transferring
  },
  Effect.fnUntraced(function*({ keepFree, maxSize, names, replace, to, ...options }) {
    const store = yield* Store.make({ folder: to, replace, maxSize, keepFree, freeSpace })
    yield* transferAll("got", names, options, (name, options) => client.get(name, store, options))
  })
).pipe(Command.withDescription("Get files from the server; what is here of them is not sent again"))

export const files = Command.make("files").pipe(
  Command.withDescription("A file server, with resume and verified digests"),
  Command.withSubcommands([server, send, get])
)
