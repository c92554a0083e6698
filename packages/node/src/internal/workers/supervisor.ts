import type * as Server from "@sluice/core/Server"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as WorkerEvent from "../../WorkerEvent.ts"
import type * as Workers from "../../Workers.ts"
import { CrashLoop, NoProgram, StartFailed, WorkersError } from "./error.ts"
import { HeldSockets } from "./heldSockets.ts"
import type { FromWorker, Question, SocketFailure } from "./messages.ts"
import type { Settings } from "./options.ts"
import { type Ending, type Receiver, WorkerProcess } from "./workerProcess.ts"

/** Events that wait for a slow subscriber; the oldest are dropped. */
const mostEvents = 1_024

/** A worker, and its current process. */
interface Slot {
  readonly name: string
  current: WorkerProcess | undefined
  /** When it ended unexpectedly, in monotonic milliseconds. */
  crashes: ReadonlyArray<number>
}

/** Starts the workers and keeps them running until its Scope closes, or until one crashes too often. */
export class Supervisor {
  readonly #settings: Settings
  readonly #run: (effect: Effect.Effect<void>) => void
  readonly #clock: Clock.Clock
  readonly #state: SubscriptionRef.SubscriptionRef<Server.State>
  readonly #events: PubSub.PubSub<WorkerEvent.WorkerEvent>
  readonly #sockets: HeldSockets
  readonly #slots: ReadonlyArray<Slot>
  readonly #processes = new Set<WorkerProcess>()
  readonly #ended = Deferred.makeUnsafe<never, WorkersError>()
  readonly #reloads = Semaphore.makeUnsafe(1)
  readonly #receiver: Receiver
  #listeners = 0
  #isStopping = false

  private constructor(parts: {
    readonly settings: Settings
    readonly scope: Scope.Scope
    readonly run: (effect: Effect.Effect<void>) => void
    readonly clock: Clock.Clock
    readonly state: SubscriptionRef.SubscriptionRef<Server.State>
    readonly events: PubSub.PubSub<WorkerEvent.WorkerEvent>
  }) {
    this.#settings = parts.settings
    this.#run = parts.run
    this.#clock = parts.clock
    this.#state = parts.state
    this.#events = parts.events
    this.#sockets = new HeldSockets(parts.scope)
    this.#slots = Array.from({ length: parts.settings.count }, (_, index) => ({
      name: String(index + 1),
      current: undefined,
      crashes: []
    }))
    this.#receiver = {
      onListen: (process, request) => this.#run(this.#hand(process, request)),
      onReady: (process) => {
        if (this.#listeners > 0) process.send({ kind: "events", on: true })
        this.#emit(new WorkerEvent.Ready(this.#of(process)))
      },
      onEvent: (process, { at, facts, tag }) =>
        this.#emit(
          new WorkerEvent.Reported({ ...this.#of(process), at, facts, tag: tag as WorkerEvent.Reported["tag"] })
        )
    }
  }

  /** Starts all workers, and returns when they are ready. */
  static make(settings: Settings): Effect.Effect<Supervisor, WorkersError, Scope.Scope> {
    return Effect.gen(function*() {
      if (process.argv[1] === undefined) return yield* new WorkersError({ reason: new NoProgram() })
      const scope = yield* Effect.scope
      const context = yield* Effect.context<never>()
      const supervisor = new Supervisor({
        settings,
        scope,
        run: Effect.runForkWith(context),
        clock: yield* Clock.Clock,
        state: yield* SubscriptionRef.make<Server.State>("suspended"),
        events: yield* PubSub.sliding<WorkerEvent.WorkerEvent>(mostEvents)
      })
      yield* Effect.addFinalizer(() => supervisor.#stop)
      yield* supervisor.#endWithProcess
      yield* Effect.forEach(supervisor.#slots, (slot) =>
        Effect.suspend(() => {
          slot.current = supervisor.#launch(slot)
          return supervisor.#ready(slot.current)
        }), { concurrency: "unbounded", discard: true })
      yield* SubscriptionRef.set(supervisor.#state, "listening")
      yield* supervisor.#reloadOnSignal
      return supervisor
    })
  }

  get handle(): Omit<Workers.Workers["Service"], "connections" | "metrics"> {
    return {
      addresses: Effect.sync(() => this.#sockets.addresses),
      state: this.#state,
      workers: Effect.sync(() => Array.from(this.#processes, describe)),
      events: this.#stream,
      reload: this.#reload,
      ended: Deferred.await(this.#ended)
    }
  }

  #of(process: WorkerProcess): WorkerEvent.OfProcess {
    return { at: this.#clock.currentTimeMillisUnsafe(), worker: process.name, pid: process.pid }
  }

  #emit(event: WorkerEvent.WorkerEvent): void {
    PubSub.publishUnsafe(this.#events, event)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Processes
  // -------------------------------------------------------------------------------------------------------------------

  #launch(slot: Slot): WorkerProcess {
    const process = new WorkerProcess(slot.name, this.#clock.currentTimeMillisUnsafe(), this.#receiver)
    this.#processes.add(process)
    this.#emit(new WorkerEvent.Started(this.#of(process)))
    this.#run(Effect.flatMap(
      Effect.raceFirst(Deferred.await(process.ended), this.#watch(process)),
      (ending) => this.#onEnded(slot, process, ending)
    ))
    return process
  }

  /** Waits until a process is ready, and kills it if it is not in time. */
  #ready(process: WorkerProcess): Effect.Effect<void, WorkersError> {
    const { startTimeout } = this.#settings
    return Deferred.await(process.ready).pipe(
      Effect.timeoutOrElse({
        duration: startTimeout,
        orElse: () => {
          process.kill()
          return Effect.fail(`it was not ready within ${startTimeout / 1_000} s; raise startTimeout`)
        }
      }),
      Effect.mapError((why) => new WorkersError({ reason: new StartFailed({ worker: process.name, why }) }))
    )
  }

  // Kills a process whose event loop is blocked: one that has not answered for `unresponsive`.
  #watch(process: WorkerProcess): Effect.Effect<never> {
    const { unresponsive } = this.#settings
    if (unresponsive === Infinity) return Effect.never
    const look = Effect.sync(() => {
      if (process.state !== "ready") return
      if (performance.now() - process.lastHeard <= unresponsive) return process.send({ kind: "ping" })
      this.#emit(new WorkerEvent.Unresponsive(this.#of(process)))
      process.kill()
    })
    return Effect.forever(Effect.andThen(Effect.sleep(unresponsive / 4), look))
  }

  #onEnded(slot: Slot, process: WorkerProcess, { code, signal, why }: Ending): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#processes.delete(process)
      const expected = process.state === "stopping"
      this.#emit(new WorkerEvent.Ended({ ...this.#of(process), code, signal, expected }))
      if (slot.current !== process) return Effect.void
      slot.current = undefined
      // The first start fails as a whole.
      if (expected || this.#isStopping || SubscriptionRef.getUnsafe(this.#state) !== "listening") return Effect.void
      return this.#restart(slot, why)
    })
  }

  #restart(slot: Slot, why: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { baseDelay, maxDelay, maxRestarts, within } = this.#settings
      const now = performance.now()
      slot.crashes = [...slot.crashes.filter((at) => now - at < within), now]
      const times = slot.crashes.length
      if (times > maxRestarts) return this.#fail(new CrashLoop({ worker: slot.name, times, within, why }))
      const after = Math.min(maxDelay, baseDelay * 2 ** (times - 1))
      this.#emit(
        new WorkerEvent.Restarting({
          at: this.#clock.currentTimeMillisUnsafe(),
          worker: slot.name,
          after: Duration.millis(after)
        })
      )
      return Effect.logWarning(`worker ${slot.name} ended: ${why}; restarting it in ${after} ms`).pipe(
        Effect.andThen(Effect.sleep(after)),
        Effect.andThen(Effect.suspend(() => {
          // A reload may have been faster.
          if (this.#isStopping || slot.current !== undefined) return Effect.void
          slot.current = this.#launch(slot)
          // If it does not start, it ends, and that is the next crash.
          return Effect.ignore(this.#ready(slot.current))
        }))
      )
    })
  }

  #fail(reason: CrashLoop): Effect.Effect<void> {
    return Effect.andThen(this.#stop, Deferred.fail(this.#ended, new WorkersError({ reason })))
  }

  get #stop(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      this.#isStopping = true
      yield* SubscriptionRef.set(this.#state, "draining")
      yield* Effect.forEach(this.#processes, (process) => process.stop(this.#settings.stopTimeout), {
        concurrency: "unbounded",
        discard: true
      })
      yield* SubscriptionRef.set(this.#state, "closed")
      yield* PubSub.shutdown(this.#events)
    })
  }

  // A supervisor that exits without closing its Scopes, as at a second Ctrl-C, kills its workers.
  get #endWithProcess(): Effect.Effect<void, never, Scope.Scope> {
    const killAll = () => this.#processes.forEach((each) => each.kill())
    return Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => process.on("exit", killAll)),
      () => Effect.sync(() => process.off("exit", killAll))
    ))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reloading
  // -------------------------------------------------------------------------------------------------------------------

  // Each new process listens before the one that it replaces stops: there is always one that accepts.
  get #reload(): Effect.Effect<void, WorkersError> {
    return this.#reloads.withPermit(Effect.forEach(this.#slots, (slot) =>
      Effect.gen({ self: this }, function*() {
        if (this.#isStopping) return
        const next = this.#launch(slot)
        yield* this.#ready(next)
        const before = slot.current
        slot.current = next
        slot.crashes = []
        this.#emit(new WorkerEvent.Reloaded(this.#of(next)))
        if (before !== undefined) yield* before.stop(this.#settings.stopTimeout)
      }), { discard: true }))
  }

  get #reloadOnSignal(): Effect.Effect<void, never, Scope.Scope> {
    const { reloadOn } = this.#settings
    if (reloadOn === undefined) return Effect.void
    const reload = Effect.logInfo("reloading the workers").pipe(
      Effect.andThen(this.#reload),
      Effect.andThen(Effect.logInfo("reloaded the workers")),
      Effect.catch((error) =>
        this.#isStopping
          ? Effect.void
          : Effect.logError(`cannot reload: ${error.message}; the workers that ran before continue`)
      )
    )
    const onSignal = () => this.#run(reload)
    return Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => process.on(reloadOn, onSignal)),
      () => Effect.sync(() => process.off(reloadOn, onSignal))
    ))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Messages
  // -------------------------------------------------------------------------------------------------------------------

  #hand(process: WorkerProcess, request: Extract<FromWorker, { readonly kind: "listen" }>): Effect.Effect<void> {
    const { id, nth, wanted, where } = request
    return Effect.map(Effect.exit(this.#sockets.obtain(where, wanted, nth)), (exit) => {
      if (Exit.isSuccess(exit)) {
        const { path, socket } = exit.value
        return process.send({ kind: "socket", id, path, error: undefined }, socket)
      }
      process.send({ kind: "socket", id, path: undefined, error: failureOf(Cause.squash(exit.cause)) })
    })
  }

  /** Asks all processes. For metrics, it asks the current process of each worker, so that names are unique. */
  ask<A>(
    what: Question
  ): Effect.Effect<ReadonlyArray<{ readonly worker: string; readonly pid: number; readonly value: A }>> {
    return Effect.suspend(() => {
      const processes = what === "metrics" ? this.#slots.flatMap(({ current }) => current ?? []) : this.#processes
      return Effect.map(
        Effect.forEach(
          processes,
          (process) =>
            Effect.map(process.ask(what), (value) => ({ worker: process.name, pid: process.pid, value: value as A })),
          {
            concurrency: "unbounded"
          }
        ),
        (answers) => answers.filter(({ value }) => value !== undefined)
      )
    })
  }

  // Workers report what their servers do only while a stream runs.
  get #stream(): Stream.Stream<WorkerEvent.WorkerEvent> {
    const listen = (change: 1 | -1) =>
      Effect.sync(() => {
        const before = this.#listeners
        this.#listeners += change
        if ((before > 0) === (this.#listeners > 0)) return
        for (const process of this.#processes) process.send({ kind: "events", on: this.#listeners > 0 })
      })
    return Stream.unwrap(Effect.gen({ self: this }, function*() {
      const subscription = yield* PubSub.subscribe(this.#events)
      yield* Effect.acquireRelease(listen(1), () => listen(-1))
      return Stream.fromSubscription(subscription)
    }))
  }
}

const describe = ({ name, pid, since, state }: WorkerProcess): Workers.Worker => ({ name, pid, state, since })

const failureOf = (error: unknown): SocketFailure => {
  const { code, message, reason, syscall } = error as {
    readonly code?: string
    readonly syscall?: string
    readonly message: string
    readonly reason?: { readonly found?: ReadonlyArray<string> }
  }
  return { code, syscall, message, found: reason?.found }
}
