import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import type { Alarms, Pace } from "./alarms.ts"
import type { Engine } from "./engine.ts"
import type { Event } from "./eventQueue.ts"

type Task = () => void

/**
 * The one way into a process: its Scheduler, its Clock and its sockets run tasks through it. While it is paused, tasks
 * wait. Once it is dead, they are dropped, so that nothing of the process runs again: no fiber, however it was forked, and
 * no finalizer.
 */
export class Gate implements Alarms {
  readonly #engine: Engine
  #state: "open" | "paused" | "dead" = "open"
  #pauses = 0
  // Tasks that came while it was paused, or in a turn.
  #waiting: Array<Task> = []
  readonly #alarms = new Set<Event>()
  readonly #onDead = new Set<Task>()
  #turnTime: (() => number) | undefined = undefined
  #isBusy = false
  #inTurn = false
  /** Runs code as a part of the process. Its fibers, and the callbacks it leaves to the event loop, belong to the process. */
  readonly enter: (task: Task) => void
  /** Runs a task soon, and never before this returns. */
  readonly submit: (task: Task) => void

  constructor(engine: Engine, pace: Pace, host: string) {
    this.#engine = engine
    const enter = engine.contextOf?.(this, pace, host)
    this.enter = enter ?? ((task) => task())
    this.submit = enter === undefined
      ? (task) => engine.submit(() => this.run(task))
      : (task) => engine.submit(() => this.run(() => enter(task)))
  }

  get isDead(): boolean {
    return this.#state === "dead"
  }

  /** Runs a task now, later, or never. */
  run(task: Task): void {
    if (this.#state === "open" && !this.#isBusy) {
      if (this.#turnTime === undefined) task()
      else this.#turn(task, this.#turnTime)
    } else if (this.#state !== "dead") {
      this.#waiting.push(task)
    }
  }

  /** A Scheduler whose fibers pass here. A fiber that was woken past it, as by a Deferred, stops at its first step. */
  scheduler(base: Scheduler.Scheduler): Scheduler.Scheduler {
    return {
      executionMode: base.executionMode,
      makeDispatcher: () => {
        const dispatcher = base.makeDispatcher()
        return {
          scheduleTask: (task, priority) => dispatcher.scheduleTask(() => this.run(task), priority),
          flush: () => dispatcher.flush()
        }
      },
      shouldYield: (fiber: Fiber.Fiber<unknown, unknown>) =>
        base.shouldYield(fiber) || this.#state !== "open" || (this.#isBusy && !this.#inTurn)
    }
  }

  /** Schedules an event that death cancels. */
  schedule(alarm: Event, at: number): void {
    if (this.#state === "dead") return
    this.#alarms.add(alarm)
    this.#engine.schedule(alarm, at)
  }

  /** Takes an event back, or notes that it has happened. */
  cancel(alarm: Event): void {
    if (this.#alarms.delete(alarm)) this.#engine.cancel(alarm)
  }

  /** Calls back when it dies. Returns how to take that back. */
  onDead(callback: Task): Task {
    this.#onDead.add(callback)
    return () => void this.#onDead.delete(callback)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Faults
  // -------------------------------------------------------------------------------------------------------------------

  /** Pauses add up. */
  pause(): void {
    this.#pauses++
    if (this.#state === "open") this.#state = "paused"
  }

  resume(): void {
    this.#pauses--
    if (this.#state !== "paused" || this.#pauses > 0) return
    this.#state = "open"
    this.#engine.submit(this.#drain)
  }

  /** Every task takes a time from now on, in microseconds, as `turnTime` says; tasks run one after the other. */
  set turnTime(turnTime: (() => number) | undefined) {
    this.#turnTime = turnTime
  }

  kill(): void {
    if (this.#state === "dead") return
    this.#state = "dead"
    this.#waiting = []
    for (const alarm of this.#alarms) this.#engine.cancel(alarm)
    this.#alarms.clear()
    for (const callback of this.#onDead) callback()
    this.#onDead.clear()
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Turns
  // -------------------------------------------------------------------------------------------------------------------

  #turn(task: Task, turnTime: () => number): void {
    this.#isBusy = true
    this.#inTurn = true
    try {
      task()
    } finally {
      this.#inTurn = false
      this.schedule(this.#event(), this.#engine.now + turnTime())
    }
  }

  #event(): Event {
    const event: Event = {
      place: -1,
      run: () => {
        this.#alarms.delete(event)
        this.#engine.submit(() => {
          this.#isBusy = false
          this.#drain()
        })
      }
    }
    return event
  }

  readonly #drain = (): void => {
    while (this.#state === "open" && !this.#isBusy) {
      const task = this.#waiting.shift()
      if (task === undefined) return
      this.run(task)
    }
  }
}
