import * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as Transport from "@sluice/core/Transport"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { isBoundSocket } from "../facade/boundSocket.ts"
import { CurrentSocketSource, type Obtained, type Wanted } from "../socketSource.ts"
import { connectionFacts, eventFacts } from "./facts.ts"
import {
  type FromWorker,
  nameVariable,
  type Question,
  type SocketFailure,
  type ToWorker,
  unwrap,
  wrap
} from "./messages.ts"
import type { Sample } from "./metrics.ts"
import type { Settings } from "./options.ts"
import { shareOf } from "./share.ts"

/** The name of this worker, if this process is one. */
export const currentName = (): string | undefined => process.send === undefined ? undefined : process.env[nameVariable]

type Received = (message: Extract<ToWorker, { readonly kind: "socket" }>, socket: unknown) => void

/** The servers of a worker, and its messages to and from the supervisor. */
class Worker {
  readonly #settings: Settings
  readonly #run: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
  readonly #servers = new Map<Server.Server, Fiber.Fiber<void> | undefined>()
  readonly #requests = new Map<number, Received>()
  // How many sockets of each kind were requested. With port 0, each request is for another socket.
  readonly #kinds = new Map<string, number>()
  #ids = 0
  #reports = false

  constructor(settings: Settings, run: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>) {
    this.#settings = settings
    this.#run = run
  }

  send(message: FromWorker, done?: () => void): void {
    if (process.connected) process.send!(wrap(message), undefined, {}, () => done?.())
    else done?.()
  }

  readonly receive = (raw: unknown, socket: unknown): void => {
    const message = unwrap<ToWorker>(raw)
    switch (message?.kind) {
      case "socket":
        return this.#requests.get(message.id)?.(message, socket)
      case "ping":
        return this.send({ kind: "pong" })
      case "ask":
        return void this.#run(
          Effect.map(
            this.#answer(message.what),
            (value) => this.send({ kind: "answer", id: message.id, value })
          )
        )
      case "events":
        this.#reports = message.on
        for (const server of this.#servers.keys()) this.#report(server)
    }
  }

  /** The socket that the supervisor has bound. */
  obtain(where: string, wanted: Wanted): Effect.Effect<Obtained, NetworkError.NetworkError> {
    return Effect.callback((resume) => {
      const kind = JSON.stringify(wanted)
      const nth = wanted.type === "tcp" && wanted.port === 0 ? this.#kinds.get(kind) ?? 0 : 0
      this.#kinds.set(kind, nth + 1)
      const id = this.#ids++
      this.#requests.set(id, ({ error, path }, socket) => {
        this.#requests.delete(id)
        if (error !== undefined) return resume(Effect.fail(failureOf(where, error, wanted)))
        if (isBoundSocket(socket)) return resume(Effect.succeed({ socket, path }))
        resume(Effect.fail(failureOf(where, noSocket, wanted)))
      })
      this.send({ kind: "listen", id, where, wanted, nth })
      // A socket that comes too late is closed.
      return Effect.sync(() =>
        void this.#requests.set(id, (_, socket) => {
          this.#requests.delete(id)
          if (isBoundSocket(socket)) socket.close()
        })
      )
    })
  }

  /** Gives each server its share of the limits, and reports its events. */
  readonly onStart: Server.OnStart = (server, options) =>
    Effect.suspend(() => {
      this.#servers.set(server, undefined)
      this.#report(server)
      const share = this.#settings.limits === "divided" ? shareOf(options, this.#settings.count) : undefined
      return share === undefined ? Effect.void : server.update(share)
    })

  #answer(question: Question): Effect.Effect<unknown> {
    return question === "metrics" ? metrics : this.#connections
  }

  get #connections(): Effect.Effect<ReadonlyArray<unknown>> {
    return Effect.map(
      Effect.forEach(
        this.#servers.keys(),
        (server) => Effect.map(server.connections, (open) => open.map((each) => connectionFacts(server, each)))
      ),
      (all) => all.flat()
    )
  }

  // Waits until the system has taken each event, so that none pile up here. The server counts events that are lost meanwhile.
  #report(server: Server.Server): void {
    const reporting = this.#servers.get(server)
    if (this.#reports === (reporting !== undefined)) return
    if (reporting !== undefined) {
      this.#servers.set(server, undefined)
      return reporting.interruptUnsafe()
    }
    const forward = Stream.runForEach(server.events, (event) =>
      Effect.callback<void>((resume) =>
        this.send(
          { kind: "event", tag: event._tag, at: event.at, facts: eventFacts(event) },
          () => resume(Effect.void)
        )
      ))
    this.#servers.set(server, this.#run(forward))
  }
}

const noSocket: SocketFailure = {
  code: undefined,
  syscall: undefined,
  message: "the supervisor sent no socket",
  found: undefined
}

const failureOf = (where: string, failure: SocketFailure, wanted: Wanted): NetworkError.NetworkError => {
  if (failure.found !== undefined) {
    return NetworkError.make("listen", where, new NetworkError.NoInheritedSocket({ found: failure.found }))
  }
  const error = Object.assign(new Error(failure.message), { code: failure.code, syscall: failure.syscall })
  const anyPort = wanted.type === "tcp" && wanted.port === 0
  return Transport.systemError({ operation: "listen", address: where, error, anyPort })
}

const metrics: Effect.Effect<ReadonlyArray<Sample>> = Effect.map(
  Effect.context<never>(),
  (context) =>
    Metric.snapshotUnsafe(context).map(({ attributes, description, id, state, type }) =>
      ({ attributes, description, id, state, type }) as Sample
    )
)

/** Builds the servers in this worker, and reports that they listen. They run until the supervisor stops the worker, or is gone. */
export const work = <E, R>(
  name: string,
  settings: Settings,
  servers: Layer.Layer<never, E, R>
): Effect.Effect<void, E, R | Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const worker = new Worker(settings, Effect.runForkWith(context))
    let isEnding = false
    const onDisconnect = () => {
      if (isEnding) return
      // The supervisor is gone: the servers drain, and after `stopTimeout` the process exits.
      process.kill(process.pid, "SIGTERM")
      setTimeout(() => process.exit(1), Math.min(settings.stopTimeout, 2 ** 31 - 1)).unref()
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        process.on("message", worker.receive)
        process.once("disconnect", onDisconnect)
      }),
      () =>
        Effect.sync(() => {
          isEnding = true
          process.off("message", worker.receive)
          if (process.connected) process.disconnect?.()
        })
    )
    const surroundings = Layer.mergeAll(
      Layer.succeed(CurrentSocketSource, { obtain: (where, wanted) => worker.obtain(where, wanted) }),
      Layer.succeed(Server.onStart, worker.onStart),
      Layer.succeed(References.CurrentLogAnnotations, {
        ...(yield* References.CurrentLogAnnotations),
        worker: name
      }),
      Layer.succeed(Metric.CurrentMetricAttributes, { ...(yield* Metric.CurrentMetricAttributes), worker: name })
    )
    const built = yield* Effect.exit(Layer.build(Layer.provide(servers, surroundings)))
    if (Exit.isSuccess(built)) return worker.send({ kind: "ready" })
    const error = Cause.squash(built.cause)
    worker.send({ kind: "failed", message: error instanceof Error ? error.message : String(error) })
    // The supervisor reports it, and ends this process.
    return yield* Cause.hasDies(built.cause) ? Effect.failCause(built.cause) : Effect.never
  })
