/**
 * Records what clients called and what they were answered, and checks that the answers are those of one object that they
 * share: linearizability.
 *
 * **Example**
 *
 * ```ts
 * import * as History from "@sluice/simulation/History"
 * import * as Effect from "effect/Effect"
 *
 * declare const read: Effect.Effect<number, Error>
 * declare const write: (value: number) => Effect.Effect<void, Error>
 *
 * const checked = Effect.gen(function*() {
 *   const history = History.make<History.RegisterCall<number>, number | void>()
 *   const client = Effect.all([
 *     Effect.ignore(History.call(history, "a", { name: "write", value: 1 }, write(1))),
 *     Effect.ignore(History.call(history, "b", { name: "read" }, read))
 *   ], { concurrency: "unbounded" })
 *   yield* client
 *   return History.checkLinearizable(history, History.register(0))
 * })
 * ```
 *
 * **Details**
 *
 * - A call that fails, or is interrupted, has an unknown outcome: it may have taken effect at any time since it began, or never.
 * - The order of events is exact, because a simulation runs in one thread. Times are for people.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { CurrentProcess } from "./internal/kernel/process.ts"
import { linearize, type Machine } from "./internal/report/linearize.ts"
import { noteViolation } from "./internal/report/violations.ts"
import { CurrentWorld } from "./internal/world/world.ts"

/**
 * A call, with its answer if there was one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Call<In, Out> {
  readonly client: string
  readonly input: In
  /** The answer; `undefined` if the outcome is unknown. */
  readonly output: Out | undefined
  /** Its place in the order of all events. */
  readonly start: number
  /** The place of its answer; `undefined` if the outcome is unknown. */
  readonly end: number | undefined
  /** Milliseconds of virtual time. */
  readonly startedAt: number
}

/**
 * The calls of all clients, in the order in which they began.
 *
 * @since 0.1.0
 * @category models
 */
export interface History<In, Out> {
  readonly calls: Array<{ -readonly [K in keyof Call<In, Out>]: Call<In, Out>[K] }>
  events: number
}

/**
 * How an object behaves when clients call it one after the other.
 *
 * @since 0.1.0
 * @category models
 */
export interface Model<State, In, Out> {
  readonly initial: State
  /** The next state, which is a new value; `undefined` if the answer is wrong. An `output` of `undefined` is unknown. */
  readonly step: (state: State, input: In, output: Out | undefined) => State | undefined
  /** Parts that do not affect each other, such as keys, are checked one by one. Default: all is one part. */
  readonly part?: ((input: In) => string) | undefined
  /** Equal for equal states. Default: JSON. */
  readonly describe?: ((state: State) => string) | undefined
}

/**
 * What a check found: an order of the calls; or that there is none; or that the limit was too low to know.
 *
 * @since 0.1.0
 * @category models
 */
export interface Verdict<In, Out> {
  readonly verdict: "linearizable" | "violation" | "unknown"
  /** The longest order that was found: of the part that is violated, if one is. */
  readonly order: ReadonlyArray<Call<In, Out>>
  /** The call that has no place after that order. */
  readonly violation: Call<In, Out> | undefined
}

/**
 * An empty history.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <In, Out>(): History<In, Out> => ({ calls: [], events: 0 })

/**
 * Records a call. A failure has an unknown outcome, unless `isRefused` says that it certainly took no effect: then the call
 * is left out.
 *
 * @since 0.1.0
 * @category recording
 */
export const call = <In, Out, A extends Out, E, R>(
  self: History<In, Out>,
  client: string,
  input: In,
  effect: Effect.Effect<A, E, R>,
  options?: { readonly isRefused?: ((error: E) => boolean) | undefined }
): Effect.Effect<A, E, R> =>
  Effect.clockWith((clock) =>
    Effect.withFiber((fiber) => {
      const { calls } = self
      const started: typeof calls[number] = {
        client,
        input,
        output: undefined,
        start: self.events++,
        end: undefined,
        startedAt: clock.currentTimeMillisUnsafe()
      }
      calls.push(started)
      const host = fiber.getRef(CurrentProcess)?.host.name ?? ""
      const record = fiber.getRef(CurrentWorld)?.calls.begin(started, host)
      return Effect.onExit(effect, (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit)) {
            started.output = exit.value
            started.end = self.events++
            record?.("answered")
            return
          }
          const [reason] = exit.cause.reasons
          if (reason?._tag === "Fail" && options?.isRefused?.(reason.error) === true) {
            calls.splice(calls.lastIndexOf(started), 1)
            record?.("refused")
          }
        }))
    })
  )

/**
 * Looks for an order in which each call takes effect between its start and its end, as `model` behaves. At most `limit`
 * steps for each part. Default: 1,000,000.
 *
 * @since 0.1.0
 * @category checking
 */
export const checkLinearizable = <State, In, Out>(
  self: Pick<History<In, Out>, "calls">,
  model: Model<State, In, Out>,
  options?: { readonly limit?: number | undefined }
): Verdict<In, Out> => {
  const parts = Map.groupBy(self.calls as ReadonlyArray<Call<In, Out>>, ({ input }) => model.part?.(input) ?? "")
  const machine: Machine<State, In, Out> = {
    initial: model.initial,
    step: model.step,
    describe: model.describe ?? ((state) => JSON.stringify(state) ?? "undefined")
  }
  let result: Verdict<In, Out> = { verdict: "linearizable", order: [], violation: undefined }
  for (const calls of parts.values()) {
    const { order, stuck, verdict } = linearize(calls, machine, options?.limit ?? 1_000_000)
    const found = order.map((index) => calls[index]!)
    if (verdict === "violation") {
      const violation = stuck === undefined ? undefined : calls[stuck]
      if (violation !== undefined) noteViolation(violation, found)
      return { verdict, order: found, violation }
    }
    result = {
      verdict: verdict === "unknown" ? verdict : result.verdict,
      order: [...result.order, ...found],
      violation: undefined
    }
  }
  return result
}

/**
 * The history as events in JSON, one a line, as Jepsen's checkers read it: `invoke`, then `ok`, or `info` if the outcome is
 * unknown. `f` gives the name of a call, and `value` what it is called with or answered.
 *
 * @since 0.1.0
 * @category exporting
 */
export const toJson = <In, Out>(
  self: Pick<History<In, Out>, "calls">,
  describe: (call: Call<In, Out>) => { readonly f: string; readonly value: unknown; readonly answer?: unknown }
): string => {
  const clients = [...new Set(self.calls.map(({ client }) => client))]
  const events = self.calls.flatMap((each) => {
    const { answer, f, value } = describe(each)
    const event = { process: clients.indexOf(each.client), f, time: Math.round(each.startedAt * 1e6) }
    const invoked = { at: each.start, event: { type: "invoke", ...event, value } }
    return each.end === undefined
      ? [invoked, { at: Infinity, event: { type: "info", ...event, value } }]
      : [invoked, { at: each.end, event: { type: "ok", ...event, value: answer ?? value } }]
  })
  return events.sort((a, b) => a.at === b.at ? 0 : a.at - b.at)
    .map(({ event }, index) => JSON.stringify({ index, ...event })).join("\n")
}

// ---------------------------------------------------------------------------------------------------------------------
// Models
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A call of a register.
 *
 * @since 0.1.0
 * @category objects
 */
export type RegisterCall<A> =
  | { readonly name: "read" }
  | { readonly name: "write"; readonly value: A }
  | { readonly name: "compareAndSet"; readonly from: A; readonly to: A }

/**
 * A register. `read` answers its value, `compareAndSet` whether it was set. Values are compared with `===`.
 *
 * @since 0.1.0
 * @category objects
 */
export const register = <A>(initial: A): Model<{ readonly value: A }, RegisterCall<A>, A | boolean | void> => ({
  initial: { value: initial },
  step: (state, input, output) => {
    switch (input.name) {
      case "read":
        return output === undefined || output === state.value ? state : undefined
      case "write":
        return { value: input.value }
      case "compareAndSet": {
        const isSet = state.value === input.from
        if (output !== undefined && output !== isSet) return undefined
        return isSet ? { value: input.to } : state
      }
    }
  }
})

/**
 * Many registers, each with a key: the parts of a key-value store. A key that was never written has the value `initial`.
 *
 * @since 0.1.0
 * @category objects
 */
export const keyValue = <A>(
  initial: A
): Model<{ readonly value: A }, RegisterCall<A> & { readonly key: string }, A | boolean | void> => ({
  ...register(initial),
  part: ({ key }) => key
})

/**
 * A call of a queue.
 *
 * @since 0.1.0
 * @category objects
 */
export type QueueCall<A> = { readonly name: "enqueue"; readonly value: A } | { readonly name: "dequeue" }

/**
 * A queue, first in, first out. `dequeue` answers `null` when it is empty.
 *
 * @since 0.1.0
 * @category objects
 */
export const queue = <A>(): Model<ReadonlyArray<A>, QueueCall<A>, A | null | void> => ({
  initial: [],
  step: (state, input, output) => {
    if (input.name === "enqueue") return [...state, input.value]
    const [first = null, ...rest] = state
    return output === undefined || output === first ? rest : undefined
  }
})

/**
 * A lock: each client is in its calls. `acquire` and `release` answer whether they did.
 *
 * @since 0.1.0
 * @category objects
 */
export const lock: Model<
  { readonly owner: string | null },
  { readonly name: "acquire" | "release"; readonly client: string },
  boolean
> = {
  initial: { owner: null },
  step: ({ owner }, { client, name }, output) => {
    const works = name === "acquire" ? owner === null : owner === client
    if (output !== undefined && output !== works) return undefined
    return works ? { owner: name === "acquire" ? client : null } : { owner }
  }
}

/**
 * A call of a set.
 *
 * @since 0.1.0
 * @category objects
 */
export interface SetCall<A> {
  readonly name: "add" | "remove" | "has"
  readonly value: A
}

/**
 * A set. `has` answers whether the value is in it, `add` and `remove` whether they changed that. Each value is a part of its
 * own, known by its JSON.
 *
 * @since 0.1.0
 * @category objects
 */
export const set = <A>(): Model<{ readonly has: boolean }, SetCall<A>, boolean | void> => ({
  initial: { has: false },
  step: ({ has }, { name }, output) => {
    const answer = name === "add" ? !has : has
    if (output !== undefined && output !== answer) return undefined
    return name === "has" ? { has } : { has: name === "add" }
  },
  part: ({ value }) => JSON.stringify(value) ?? "undefined"
})

/**
 * A call of a log.
 *
 * @since 0.1.0
 * @category objects
 */
export type LogCall<A> =
  | { readonly name: "append"; readonly value: A }
  | { readonly name: "read"; readonly index: number }

/**
 * A log, as of a message broker. `append` answers the index of the value, from 0; `read` the value at an index, `null` if there
 * is none yet. Values are compared with `===`.
 *
 * @since 0.1.0
 * @category objects
 */
export const log = <A>(): Model<ReadonlyArray<A>, LogCall<A>, A | number | null> => ({
  initial: [],
  step: (state, input, output) => {
    if (input.name === "append") {
      return output === undefined || output === state.length ? [...state, input.value] : undefined
    }
    return output === undefined || output === (state[input.index] ?? null) ? state : undefined
  }
})
