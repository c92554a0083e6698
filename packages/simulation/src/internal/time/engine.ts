import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import type { ContextOf } from "./alarms.ts"
import { type Event, EventQueue } from "./eventQueue.ts"
import type { Watch } from "./watch.ts"

/** What makes a simulated network go: its time, and what happens when. */
export interface Engine {
  /** The time in microseconds. */
  readonly now: number
  /** What wall clocks show when the time is 0, in milliseconds. */
  readonly epoch: number
  /** Lets an event happen at a time, in microseconds; at once if that has passed, but never before this returns. */
  readonly schedule: (event: Event, at: number) => void
  /** Takes an event back that has not happened yet. */
  readonly cancel: (event: Event) => void
  /** Told what fibers wait for, if that is recorded. */
  readonly watch: Watch | undefined
  /** How tasks of a process run, if the run may turn the event loop. */
  readonly contextOf: ContextOf | undefined
  /** Runs a task soon, and never before this returns: so it is that the fibers which a socket wakes take their turns. */
  readonly submit: (task: () => void) => void
}

/**
 * Moves the network by whatever Clock there is: a test clock, or the real one. Clocks count whole milliseconds, so what
 * happens between two of them happens at the first.
 */
export class ClockEngine implements Engine {
  readonly epoch: number
  readonly watch = undefined
  readonly contextOf = undefined
  readonly #queue = new EventQueue()
  readonly #context: Context.Context<never>
  readonly #clock: Clock.Clock
  readonly #dispatcher: Scheduler.SchedulerDispatcher
  readonly #sleepers = new Map<number, Fiber.Fiber<void>>()
  #earliestSleeper = Infinity
  #pumping = false
  #closed = false

  constructor(context: Context.Context<never>) {
    this.#context = context
    this.#clock = Context.get(context, Clock.Clock)
    this.#dispatcher = Context.get(context, Scheduler.Scheduler).makeDispatcher()
    this.epoch = this.#clock.currentTimeMillisUnsafe() - this.now / 1000
  }

  get now(): number {
    // Wall clocks step.
    return Math.floor(Number(this.#clock.monotonicTimeNanosUnsafe()) / 1000)
  }

  schedule(event: Event, at: number): void {
    this.#queue.add(event, at)
    this.#wait()
  }

  cancel(event: Event): void {
    this.#queue.cancel(event)
  }

  submit(task: () => void): void {
    this.#dispatcher.scheduleTask(task, 0)
  }

  /** Nothing happens any more. */
  close(): void {
    this.#closed = true
    for (const fiber of this.#sleepers.values()) fiber.interruptUnsafe()
  }

  readonly #pump = (): void => {
    this.#pumping = false
    const until = this.now + 999
    while (!this.#closed) {
      if (this.#queue.nextAt > until) break
      this.#queue.take()!.run()
    }
    this.#wait()
  }

  #wait(): void {
    const until = this.#queue.nextAt
    if (until === Infinity || this.#pumping || this.#closed) return
    const wait = Math.floor((until - this.now) / 1000)
    if (wait <= 0) {
      this.#pumping = true
      return this.submit(this.#pump)
    }
    if (until >= this.#earliestSleeper) return
    this.#earliestSleeper = until
    const sleep = Effect.andThen(
      this.#clock.sleep(Duration.millis(wait)),
      Effect.sync(() => {
        this.#sleepers.delete(until)
        this.#earliestSleeper = Math.min(Infinity, ...this.#sleepers.keys())
        this.#pump()
      })
    )
    this.#sleepers.set(until, Effect.runForkWith(this.#context)(sleep))
  }
}

/** The engine for the Clock that is there: the simulation's own, if it is one, or one that waits on it. */
export const engine: Effect.Effect<Engine, never, Scope.Scope> = Effect.contextWith(
  (context: Context.Context<Scope.Scope>) => {
    const own = Context.get(context, CurrentEngine)
    return own !== undefined
      ? Effect.succeed(own)
      : Effect.acquireRelease(
        Effect.sync(() => new ClockEngine(context)),
        (engine) => Effect.sync(() => engine.close())
      )
  }
)

/** The engine of the simulation that the fiber runs in, if it runs in one. */
export const CurrentEngine: Context.Reference<Engine | undefined> = Context.Reference<Engine | undefined>(
  "@sluice/core/simulation/CurrentEngine",
  { defaultValue: () => undefined }
)
