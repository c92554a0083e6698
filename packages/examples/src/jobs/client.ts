/** A producer and a worker. */
import type * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { framing, type Message } from "./protocol.ts"

export interface Options {
  readonly server: Endpoint.Input
  /** How long to wait for a connection, and for an answer. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** The pause before another attempt, and while there is no job. Default: 1 second. */
  readonly pause?: Duration.Input | undefined
}

/** One exchange, on a connection that is kept until the Scope closes. */
const open = Effect.fnUntraced(function*({ server, timeout = "5 seconds" }: Options) {
  const framed = yield* Framed.make(yield* Network.connect(server, { connectTimeout: timeout }), framing)
  return (message: Message) => Effect.timeout(Framed.request(framed, message), timeout)
})

/** Puts a job, and retries until it is accepted. */
export const put = (options: Options, id: string, work: string) =>
  open(options).pipe(
    Effect.flatMap((ask) => ask({ _tag: "Put", id, work })),
    Effect.scoped,
    Effect.filterOrFail(({ _tag }) => _tag === "Accepted"),
    Effect.retry(Schedule.spaced(options.pause ?? "1 second")),
    Effect.asVoid
  )

/** Does jobs, one after the other, and gives up a job before its lease ends. `onDone` is told of each that is accepted. */
export const work = <R>(
  options: Options,
  run: (job: { readonly id: string; readonly work: string; readonly fence: number }) => Effect.Effect<void, never, R>,
  onDone: (id: string) => Effect.Effect<void> = () => Effect.void
) =>
  Effect.scoped(Effect.gen(function*() {
    const ask = yield* open(options)
    while (true) {
      const job = yield* ask({ _tag: "Take" })
      if (job._tag !== "Job") {
        yield* Effect.sleep(options.pause ?? "1 second")
        continue
      }
      const { fence, id, leaseMillis } = job
      const isDone = Option.isSome(yield* Effect.timeoutOption(run(job), leaseMillis * 0.8))
      if (isDone && (yield* ask({ _tag: "Done", id, fence }))._tag === "Accepted") yield* onDone(id)
    }
  })).pipe(Effect.retry(Schedule.spaced(options.pause ?? "1 second")))
