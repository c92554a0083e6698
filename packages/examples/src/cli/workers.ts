/** `--workers`: one program in several processes. */
import * as NodeProgram from "@sluice/node/NodeProgram"
import * as Workers from "@sluice/node/Workers"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { isAnnounced, printListening } from "./flags.ts"
import { positiveNumber } from "./setting.ts"

/** `--workers`: how many processes serve. */
export const workers = positiveNumber(
  "workers",
  "Processes that serve together; SIGHUP replaces one after the other; default: this one alone"
).pipe(Flag.optional)

/** Prints where the workers listen, and which processes they are. */
const print = Layer.effectDiscard(Effect.gen(function*() {
  const { addresses, workers } = yield* Workers.Workers
  yield* Effect.forEach(yield* addresses, printListening)
  const processes = (yield* workers).map(({ name, pid }) => `${name} (pid ${pid})`)
  yield* Console.log(`Workers: ${processes.join(", ")}`)
}))

/** What runs beside the servers: in the one process, or in the supervisor of the workers. */
interface Beside<E, R> {
  readonly alone: Layer.Layer<never, E, R>
  readonly supervisor: Layer.Layer<never, E, Workers.Workers | R>
}

/** Runs servers in this process, or in as many workers as the flags say. */
export const launch = <E, R, E2 = never, R2 = never>(
  flags: { readonly workers: Option.Option<number>; readonly drain: Duration.Duration },
  servers: Layer.Layer<never, E, R>,
  { alone, supervisor }: Beside<E2, R2> = { alone: Layer.empty, supervisor: Layer.empty }
) =>
  Option.match(flags.workers, {
    onNone: () => NodeProgram.launch(Layer.merge(servers, alone)),
    onSome: (count) =>
      Workers.launch({
        count,
        stopTimeout: Duration.sum(flags.drain, Duration.seconds(5)),
        supervisor: Layer.merge(print, supervisor)
      }, Layer.provide(servers, Layer.succeed(isAnnounced, false)))
  })
