import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import type { ContextOf, Pace } from "./alarms.ts"
import type { Engine } from "./engine.ts"
import { type Event, EventQueue } from "./eventQueue.ts"
import type { RandomStream } from "./random.ts"
import { sleep } from "./sleep.ts"
import { TaskQueue } from "./taskQueue.ts"
import type { Watch } from "./watch.ts"

/** Why a run came to a halt before its program ended. */
export type Halt = "nothingLeft" | "promise" | "timeLimit" | "stepLimit"

export interface Limits {
  /** Microseconds. */
  readonly time: number
  readonly steps: number
}

/** Decides when a run pauses for the event loop. */
export interface Pacer {
  /** Called after each task. Returns whether to pause. */
  readonly onTask: () => boolean
  /** Called when nothing is left at this instant. Returns whether to pause. */
  readonly onInstant: () => boolean
}

/**
 * A clock that moves by itself: when no task can run, it jumps to the next event. Every fiber and every event of the network
 * goes through its queues, which alone decide their order.
 */
export class VirtualTime implements Engine, Pace {
  /** A run begins at the epoch of Unix. */
  readonly epoch = 0
  readonly #tasks: TaskQueue
  readonly #events = new EventQueue()
  readonly #fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  #lastFiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  #lastFiberId = 0
  /** Fibers that wait for a promise: if time advanced without it, every deadline would win. */
  promised: Set<Fiber.Fiber<unknown, unknown>> = new Set()
  contextOf: ContextOf | undefined = undefined
  // Remaining tasks of this turn, and turns since time last advanced. Both outlast a pause.
  #left = 0
  #turns = 0
  #isPaused = false
  #fiberLimit = 1024
  watch: Watch | undefined = undefined
  now = 0
  steps = 0
  readonly scheduler: Scheduler.Scheduler
  readonly clock: Clock.Clock

  constructor(random: RandomStream | undefined) {
    this.#tasks = new TaskQueue(random)
    this.scheduler = this.#makeScheduler()
    this.clock = this.#makeClock()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the network asks for
  // -------------------------------------------------------------------------------------------------------------------

  schedule(event: Event, at: number): void {
    this.#events.add(event, Math.max(at, this.now))
  }

  cancel(event: Event): void {
    this.#events.cancel(event)
  }

  submit(task: () => void): void {
    this.#tasks.add(task, 0)
  }

  // Outside of all machines, time is that of the engine.
  readonly rate = 1

  get monotonic(): number {
    return this.now
  }

  get wall(): number {
    return Math.floor(this.now / 1000)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What fibers ask for
  // -------------------------------------------------------------------------------------------------------------------

  #makeScheduler(): Scheduler.Scheduler {
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task, priority) => this.#tasks.add(task, priority),
      flush: () => {}
    }
    return {
      executionMode: "sync",
      makeDispatcher: () => dispatcher,
      // Every fiber that does anything comes by here.
      shouldYield: (fiber) => {
        if (fiber !== this.#lastFiber) this.#meet(fiber)
        // It runs, so it does not wait for the promise that it has made.
        if (this.promised.size > 0) this.promised.delete(fiber)
        return fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield
      }
    }
  }

  #meet(fiber: Fiber.Fiber<unknown, unknown>): void {
    this.#lastFiber = fiber
    this.watch?.ran(fiber)
    if (this.#fibers.has(fiber)) return
    this.#fibers.add(fiber)
    // Effect counts the fibers of a process, and says in messages and logs which of them interrupted another: so that a
    // run does not depend on what ran before it, those of each run are counted anew.
    const counted = fiber as { id: number }
    counted.id = ++this.#lastFiberId
    if (this.#fibers.size < this.#fiberLimit) return
    for (const each of this.#fibers) {
      if (each.pollUnsafe() !== undefined) this.#fibers.delete(each)
    }
    this.#fiberLimit = Math.max(1024, 2 * this.#fibers.size)
  }

  #settle(watch: Watch): void {
    watch.settle()
    // So that a fiber that continues in the next step is met again.
    this.#lastFiber = undefined
  }

  /** Whether a fiber waits for a promise. */
  awaitsPromise(): boolean {
    for (const fiber of this.promised) {
      if (fiber.pollUnsafe() === undefined) return true
      this.promised.delete(fiber)
    }
    return false
  }

  /** The fibers that sleep, and until when, in microseconds. */
  get sleepers(): ReadonlyMap<Fiber.Fiber<unknown, unknown>, number> {
    return this.#events.sleepers
  }

  /** The fibers that have not ended. */
  get fibers(): ReadonlyArray<Fiber.Fiber<unknown, unknown>> {
    return [...this.#fibers].filter((fiber) => fiber.pollUnsafe() === undefined)
  }

  #makeClock(): Clock.Clock {
    const millis = () => Math.floor(this.now / 1000)
    const nanos = () => BigInt(this.now) * 1000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) => sleep(this, this, Duration.toMillis(duration) * 1000)
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Running
  // -------------------------------------------------------------------------------------------------------------------

  /**
   * Lets everything happen until `isDone`. Says why, if it halts before that.
   *
   * It goes in turns: the tasks that can run now, then what else happens at this moment. When there is nothing more of
   * either, it is as late as when the next thing happens. So what a program does takes no time; but one that never waits,
   * because it polls, could wait forever for what it polls: after a while each of its turns takes a little.
   */
  run(isDone: () => boolean, limits: Limits): Halt | undefined
  run(isDone: () => boolean, limits: Limits, pacer: Pacer): Halt | "pause" | undefined
  run(isDone: () => boolean, limits: Limits, pacer?: Pacer): Halt | "pause" | undefined {
    const tasks = this.#tasks
    const events = this.#events
    const { watch } = this
    if (!this.#isPaused) {
      this.#left = tasks.size
      this.#turns = 0
    }
    this.#isPaused = false
    while (!isDone()) {
      if (this.steps >= limits.steps) return "stepLimit"
      if (this.#left > 0) {
        this.#left--
        this.steps++
        tasks.take()!()
        if (watch !== undefined) this.#settle(watch)
        if (pacer?.onTask() === true) return this.#pause()
        continue
      }
      const at = events.nextAt
      if (tasks.size === 0) {
        if (at > this.now && pacer?.onInstant() === true) return this.#pause()
        if (at === Infinity) return "nothingLeft"
      }
      if (tasks.size === 0 || at <= this.now) {
        if (at > limits.time) return "timeLimit"
        if (at > this.now && pacer === undefined && this.awaitsPromise()) return "promise"
        const event = events.take()!
        this.steps++
        if (at > this.now) {
          this.now = at
          this.#turns = 0
        }
        event.run()
        if (watch !== undefined) this.#settle(watch)
        // What happens at the same moment comes before the tasks that come of it.
        if (events.nextAt <= this.now) continue
      } else if (++this.#turns > freeTurns) {
        this.now += turnTime
        if (this.now > limits.time) return "timeLimit"
      }
      this.#left = tasks.size
    }
    return undefined
  }

  /** Forgets its fibers, tasks and events, at the end of the run. */
  release(): void {
    this.#tasks.clear()
    this.#events.clear()
    this.#fibers.clear()
    this.#lastFiber = undefined
    this.promised.clear()
    this.watch = undefined
  }

  #pause(): "pause" {
    this.#isPaused = true
    return "pause"
  }
}

// Turns without a pause that take no time, and what each of them takes from then on, in microseconds.
const freeTurns = 1000
const turnTime = 10
