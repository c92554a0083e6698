/**
 * A simulated machine, and how to run programs on it.
 *
 * `SimNetwork.host` gives one. What runs on it sees the network from there: its own addresses, its own loopback, its own
 * clock; and ends when the host crashes (`Fault.crash`).
 *
 * **Example**
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Network from "@sluice/core/Network"
 * import * as Server from "@sluice/core/Server"
 * import * as Host from "@sluice/simulation/Host"
 * import * as SimNetwork from "@sluice/simulation/SimNetwork"
 * import * as Effect from "effect/Effect"
 *
 * const Echo = Server.layer({ listen: "tcp://0.0.0.0:7" }, (connection) => Connection.pipeTo(connection, connection))
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* SimNetwork.host("server")
 *   const client = yield* SimNetwork.host("client")
 *   yield* Host.serve(server, Echo)
 *   return yield* Host.run(client, Effect.scoped(Network.connect("server:7")))
 * })
 * ```
 */
import * as Network from "@sluice/core/Network"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { HostState, typeId } from "./internal/kernel/host.ts"
import { hostClock } from "./internal/kernel/hostClock.ts"

/** A simulated machine. */
export interface Host {
  readonly [typeId]: typeof typeId
  /** Its name, by which others find its addresses. */
  readonly name: string
  /** Its IP addresses, IPv4 first. Besides, it has 127.0.0.1 and ::1 as every machine has. */
  readonly addresses: ReadonlyArray<string>
}

const state = (self: Host): HostState => self as HostState

/** The network as it is seen from a host. */
export const network = (self: Host): Network.Network["Service"] => state(self).network!

/** The network as it is seen from a host, for what is built of Layers. */
export const layer = (self: Host): Layer.Layer<Network.Network> => Layer.succeed(Network.Network, network(self))

/** Whether it runs, and has not crashed. */
export const isUp = (self: Host): boolean => state(self).isUp

/**
 * Runs an effect on a host, and waits for it. When the host crashes, it is interrupted, and so is who waits. On a host
 * that is down it is a defect.
 */
export const run: {
  (self: Host): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, Network.Network>>
  <A, E, R>(self: Host, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Network.Network>>
} = dual(
  2,
  <A, E, R>(self: Host, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Network.Network>> =>
    Effect.suspend(() => {
      const host = state(self)
      if (!host.isUp) return Effect.die(new Error(`the host "${host.name}" is down: Fault.restart brings it up again`))
      return Effect.flatMap(Effect.forkChild(located(host, effect), { startImmediately: true }), (fiber) => {
        watch(host, fiber)
        return Effect.onInterrupt(Fiber.join(fiber), () => Fiber.interrupt(fiber))
      })
    })
)

/**
 * Starts a program on a host and goes on. It runs until the simulation ends or the host crashes, and from its beginning
 * again when the host is restarted. A failure is logged and written into the trace.
 */
export const start: {
  (self: Host): <A, E, R>(
    program: Effect.Effect<A, E, R>
  ) => Effect.Effect<void, never, Exclude<R, Network.Network | Scope.Scope>>
  <A, E, R>(
    self: Host,
    program: Effect.Effect<A, E, R>
  ): Effect.Effect<void, never, Exclude<R, Network.Network | Scope.Scope>>
} = dual(2, <A, E, R>(
  self: Host,
  program: Effect.Effect<A, E, R>
): Effect.Effect<void, never, Exclude<R, Network.Network | Scope.Scope>> =>
  Effect.contextWith((context) => {
    const host = state(self)
    const supervised = Effect.scoped(located(host, program)).pipe(
      Effect.catchCause((cause) => {
        if (Cause.hasInterruptsOnly(cause)) return Effect.void
        host.world.fault(`the program of ${host.name} failed: ${describe(cause)}`, [host])
        return Effect.annotateLogs(Effect.logError("the program of a simulated host failed", cause), "host", host.name)
      })
    )
    const boot = Effect.provideContext(
      Effect.map(Effect.forkIn(supervised as Effect.Effect<void>, host.world.scope), (fiber) => watch(host, fiber)),
      context
    )
    host.programs.push(boot)
    return host.isUp ? boot : Effect.void
  }) as never)

/** Starts a Layer on a host, such as a `Server`, waits until it is up, and keeps it as `start` keeps a program. */
export const serve: {
  (self: Host): <A, E, R>(layer: Layer.Layer<A, E, R>) => Effect.Effect<void, E, Exclude<R, Network.Network>>
  <A, E, R>(self: Host, layer: Layer.Layer<A, E, R>): Effect.Effect<void, E, Exclude<R, Network.Network>>
} = dual(
  2,
  <A, E, R>(self: Host, layer: Layer.Layer<A, E, R>): Effect.Effect<void, E, Exclude<R, Network.Network>> =>
    Effect.suspend(() => {
      const up = Deferred.makeUnsafe<void, E>()
      const program = Layer.build(layer).pipe(
        Effect.onExit((exit) => Deferred.done(up, Effect.asVoid(exit) as never)),
        Effect.andThen(Effect.never)
      )
      return Effect.andThen(start(self, program), Deferred.await(up)) as Effect.Effect<
        void,
        E,
        Exclude<R, Network.Network>
      >
    })
)

const located = <A, E, R>(
  host: HostState,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Network.Network>> =>
  Clock.clockWith((clock) =>
    Effect.provideService(
      Effect.provideService(effect, Network.Network, host.network!),
      Clock.Clock,
      hostClock(clock, host)
    )
  )

const watch = (host: HostState, fiber: Fiber.Fiber<unknown, unknown>): void => {
  host.fibers.add(fiber)
  fiber.addObserver(() => host.fibers.delete(fiber))
}

const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}
