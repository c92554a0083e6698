import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as SocketServer from "effect/socket/SocketServer"
import * as Tracer from "effect/Tracer"
import * as Connection from "../../Connection.ts"
import * as Endpoint from "../../Endpoint.ts"
import * as Server from "../../Server.ts"
import { type ConnectionState, stateOf } from "../connection/state.ts"
import { settleOrAbort, settleWithin } from "../server/drain.ts"
import { checkPolicy } from "../server/policy.ts"
import { Draining } from "../server/server.ts"
import { closeCode, closeError, toNetworkError } from "./socketError.ts"
import { fromSide, SocketSide } from "./socketSide.ts"

type Handler = (socket: Socket.Socket) => Effect.Effect<unknown, unknown>

/** A call of `run` that has not ended: its handler, and the connections that it handles. */
interface Run {
  readonly handler: Handler
  readonly sessions: Map<SocketSide, Fiber.Fiber<unknown, unknown>>
}

/** The calls of `run` that have not ended. */
class Runs {
  #open: ReadonlyArray<Run> = []
  readonly #isOpen = Latch.makeUnsafe(false)

  begin(run: Run): void {
    this.#open = [...this.#open, run]
    this.#isOpen.openUnsafe()
  }

  end(run: Run): void {
    this.#open = this.#open.filter((each) => each !== run)
    if (this.#open.length === 0) this.#isOpen.closeUnsafe()
  }

  get all(): ReadonlyArray<Run> {
    return this.#open
  }

  get latest(): Run | undefined {
    return this.#open.at(-1)
  }

  /** The latest, or else the next to begin. */
  readonly next: Effect.Effect<Run> = Effect.suspend(() =>
    this.latest === undefined ? Effect.andThen(this.#isOpen.await, this.next) : Effect.succeed(this.latest)
  )
}

const goAway = (run: Run): void => {
  for (const side of run.sessions.keys()) side.finish(closeError(closeCode.goingAway))
}

export const make = Effect.fnUntraced(function*(options: Server.Options) {
  const runs = new Runs()
  const server = yield* Effect.mapError(
    Server.make(options, (connection) => serve(runs, stateOf(connection))),
    (cause) => new SocketServer.SocketServerError({ reason: new SocketServer.SocketServerOpenError({ cause }) })
  )
  const { drainGrace } = yield* Effect.orDie(
    Effect.fromResult(checkPolicy(options, Endpoint.formatInput(options.listen)))
  )
  // Before the server begins to wait for its handlers.
  yield* Effect.addFinalizer(() => Effect.sync(() => runs.all.forEach(goAway)))

  return SocketServer.SocketServer.of({
    address: server.address,
    run: <R, E, A>(handler: (socket: Socket.Socket) => Effect.Effect<A, E, R>) =>
      Effect.contextWith((context: Context.Context<R>) => {
        const run: Run = {
          handler: (socket) => Effect.updateContext(handler(socket), ofSession(context, options.span === true)),
          sessions: new Map()
        }
        return Effect.onInterrupt(
          Effect.suspend(() => {
            runs.begin(run)
            return Effect.never
          }),
          () => Effect.andThen(Effect.sync(() => runs.end(run)), drain(run, drainGrace))
        )
      })
  })
})

// The handler's services come from the caller of `run`; those of the connection come from the server.
const ofSession = <R>(services: Context.Context<R>, span: boolean) => (session: Context.Context<never>) =>
  services.pipe(
    Context.merge(Context.pick(Scope.Scope, Draining, ...(span ? [Tracer.ParentSpan] : []))(session as never)),
    Context.add(References.CurrentLogAnnotations, {
      ...Context.get(services, References.CurrentLogAnnotations),
      ...Context.get(session, References.CurrentLogAnnotations)
    })
  ) as Context.Context<R>

const serve = Effect.fnUntraced(function*(runs: Runs, connection: ConnectionState) {
  const run = runs.latest ?? (yield* Effect.raceAllFirst([
    runs.next,
    Effect.as(Server.draining, undefined),
    Effect.as(Connection.closed(connection), undefined)
  ]))
  if (run === undefined) return
  const side = new SocketSide(connection)
  yield* Effect.withFiber((session) => {
    run.sessions.set(side, session)
    return handle(run, side).pipe(Effect.ensuring(Effect.sync(() => run.sessions.delete(side))))
  })
})

// On a fiber of its own: an interruption of the session cuts the handler short, and that must be known before the
// handler's finalizers run. The handler may interrupt what is its own as it likes.
const handle = (run: Run, side: SocketSide): Effect.Effect<unknown, unknown> =>
  run.handler(fromSide(side)).pipe(
    Effect.catchCause((cause) => settle(side.connection, cause)),
    Effect.forkChild({ startImmediately: true }),
    Effect.flatMap((fiber) =>
      Effect.onInterrupt(Fiber.join(fiber), () => {
        side.isCut = true
        return Fiber.interrupt(fiber)
      })
    )
  )

// Effect's own handlers turn a socket's errors into defects, so both are looked at.
const settle = (connection: ConnectionState, cause: Cause.Cause<unknown>): Effect.Effect<void, unknown> => {
  const error = Cause.squash(cause)
  if (!Socket.isSocketError(error)) return Effect.failCause(cause)
  return error.reason._tag === "SocketCloseError"
    ? Effect.void
    : Effect.fail(toNetworkError("read", connection.peer, error))
}

const drain = (run: Run, grace: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    goAway(run)
    return settleWithin(allEnded(run), grace, () => {
      for (const fiber of run.sessions.values()) fiber.interruptUnsafe()
      return settleOrAbort(allEnded(run), () => Array.from(run.sessions.keys()))
    })
  })

const allEnded = (run: Run): Effect.Effect<unknown> =>
  Effect.suspend(() => Fiber.awaitAll(Array.from(run.sessions.values())))
