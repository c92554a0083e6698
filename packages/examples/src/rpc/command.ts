import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as flags from "../cli/flags.ts"

// RPC takes longer to load than everything else here, so it is loaded only when it runs.
const server = Command.make(
  "server",
  flags.server(12349),
  Effect.fnUntraced(function*(options) {
    const { serve } = yield* Effect.promise(() => import("./server.ts"))
    yield* serve(yield* flags.serverOptions(options))
  }, Effect.scoped)
).pipe(Command.withDescription("Serve calls: prime factors, and a stream of primes"))

const numbers = Argument.Int("number").pipe(
  Argument.withDescription("Numbers to factor"),
  Argument.variadic()
)

const primes = Flag.Int("primes").pipe(
  Flag.withDescription("Also request a stream of the first N primes"),
  Flag.withDefault(0)
)

const client = Command.make(
  "client",
  { ...flags.client(12349), primes, numbers },
  Effect.fnUntraced(function*(options) {
    const { ask } = yield* Effect.promise(() => import("./client.ts"))
    yield* ask(yield* flags.connecting(options), options.numbers, options.primes)
  })
).pipe(Command.withDescription("Request prime factors, or a stream of primes"))

export const rpc = Command.make("rpc").pipe(
  Command.withDescription("Effect RPC: calls and streams, over TCP, TLS or a Unix-domain socket"),
  Command.withSubcommands([server, client])
)
