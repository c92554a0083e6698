/**
 * A simulated machine, and how to run programs on it.
 *
 * `SimNetwork.host` makes one. A program that runs on a host has the network, the addresses, the loopback, the disk, the clock
 * and the random numbers of that host, and ends with its process: at a crash nothing of it runs again, not even finalizers.
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
 *
 * @since 0.1.0
 */
import * as Network from "@sluice/core/Network"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as FileSystem from "effect/FileSystem"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { type HostState, typeId } from "./internal/kernel/host.ts"
import { located } from "./internal/kernel/located.ts"
import { World } from "./internal/world/world.ts"

/**
 * A simulated machine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Host {
  readonly [typeId]: typeof typeId
  /** Its name, which resolves to its addresses. */
  readonly name: string
  /** Its IP addresses, IPv4 first, without those of the loopback. */
  readonly addresses: ReadonlyArray<string>
}

/**
 * How a program is started.
 *
 * @since 0.1.0
 * @category options
 */
export interface StartOptions {
  /**
   * What a failure of the program does: it fails the run with `SimulationHostFailed`, or is logged and the run continues.
   * Interruption is no failure. Default: `"fail"`.
   */
  readonly onFailure?: "fail" | "log" | undefined
}

const state = (self: Host): HostState => self as HostState

/**
 * Whether a value is a `Host`.
 *
 * @since 0.1.0
 * @category guards
 */
export const isHost = (value: unknown): value is Host => Predicate.hasProperty(value, typeId)

/**
 * The network of a host, for a program that runs on no host: what it opens is closed by a crash, and it is told.
 *
 * @since 0.1.0
 * @category network
 */
export const network = (self: Host): Network.Network["Service"] => state(self).network!

/**
 * The network of a host as a Layer: see `network`.
 *
 * @since 0.1.0
 * @category network
 */
export const layer = (self: Host): Layer.Layer<Network.Network> => Layer.succeed(Network.Network, network(self))

/**
 * Whether the process of a host runs: it has not crashed, exited or been killed.
 *
 * @since 0.1.0
 * @category guards
 */
export const isUp = (self: Host): boolean => state(self).isUp

/**
 * Runs an effect on a host, and waits for it. When its process ends before it does, the waiting fiber is interrupted. On a
 * host that is down it is a defect.
 *
 * @since 0.1.0
 * @category running
 */
export const run: {
  (
    self: Host
  ): <A, E, R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, Exclude<R, Network.Network | FileSystem.FileSystem>>
  <A, E, R>(
    self: Host,
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, Exclude<R, Network.Network | FileSystem.FileSystem>>
} = dual(
  2,
  <A, E, R>(
    self: Host,
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, Exclude<R, Network.Network | FileSystem.FileSystem>> =>
    Effect.contextWith((context) => {
      const host = state(self)
      const { process } = host
      if (!host.isUp) {
        return Effect.die(new Error(`run on "${host.name}": the host is down; restart it with Fault.restart`))
      }
      return Effect.callback<A, E>((resume) => {
        const fiber = process.fork(context, located(host, effect) as Effect.Effect<A, E>)
        const takeBack = process.gate.onDead(() => host.engine.submit(() => resume(Effect.interrupt)))
        fiber.addObserver((exit) => {
          takeBack()
          resume(exit)
        })
        // Nobody waits for a fiber of the dead, nor for one that is interrupted and dies before it ends.
        return Effect.suspend(() =>
          process.gate.isDead
            ? Effect.void
            : Effect.raceFirst(Fiber.interrupt(fiber), gateDies(process))
        )
      })
    }) as never
)

/**
 * Starts a program on a host and does not wait for it. It runs until the run ends or its process does, and from its
 * beginning when the host is started again. Its failure fails the run, unless `onFailure` is `"log"`.
 *
 * @since 0.1.0
 * @category running
 */
export const start: {
  (
    self: Host,
    options?: StartOptions
  ): <A, E, R>(
    program: Effect.Effect<A, E, R>
  ) => Effect.Effect<void, never, Exclude<R, Network.Network | FileSystem.FileSystem | Scope.Scope>>
  <A, E, R>(
    self: Host,
    program: Effect.Effect<A, E, R>,
    options?: StartOptions
  ): Effect.Effect<void, never, Exclude<R, Network.Network | FileSystem.FileSystem | Scope.Scope>>
} = dual((args) => Effect.isEffect(args[1]), <A, E, R>(
  self: Host,
  program: Effect.Effect<A, E, R>,
  options: StartOptions = {}
): Effect.Effect<void, never, Exclude<R, Network.Network | FileSystem.FileSystem | Scope.Scope>> =>
  Effect.contextWith((context) =>
    Effect.sync(() => {
      const host = state(self)
      const supervised = Effect.scoped(program).pipe(
        Effect.catchCause((cause) => Cause.hasInterruptsOnly(cause) ? Effect.void : failed(host, cause, options))
      ) as Effect.Effect<void>
      const boot = () => host.process.fork(context, located(host, supervised))
      host.programs.push(boot)
      if (host.isUp) boot()
    })
  ) as never)

const gateDies = ({ gate, host }: HostState["process"]): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const takeBack = gate.onDead(() => host.engine.submit(() => resume(Effect.void)))
    return Effect.sync(takeBack)
  })

const failed = (host: HostState, cause: Cause.Cause<unknown>, { onFailure }: StartOptions): Effect.Effect<void> => {
  const world = World.of(host)
  world.note({ _tag: "Note", at: host.engine.now, host: host.name, kind: "failure", text: describe(cause) })
  if (onFailure !== "log" && world.onFailure !== undefined) return Effect.sync(() => world.onFailure?.(host, cause))
  return Effect.annotateLogs(Effect.logError("the program of a simulated host failed", cause), "host", host.name)
}

/**
 * Starts a Layer on a host, such as a `Server`, waits until it is built, and keeps it as `start` keeps a program. Fails as
 * the Layer does when it is built for the first time.
 *
 * @since 0.1.0
 * @category running
 */
export const serve: {
  (
    self: Host,
    options?: StartOptions
  ): <A, E, R>(
    layer: Layer.Layer<A, E, R>
  ) => Effect.Effect<void, E, Exclude<R, Network.Network | FileSystem.FileSystem>>
  <A, E, R>(
    self: Host,
    layer: Layer.Layer<A, E, R>,
    options?: StartOptions
  ): Effect.Effect<void, E, Exclude<R, Network.Network | FileSystem.FileSystem>>
} = dual(
  (args) => Layer.isLayer(args[1]),
  <A, E, R>(
    self: Host,
    layer: Layer.Layer<A, E, R>,
    options?: StartOptions
  ): Effect.Effect<void, E, Exclude<R, Network.Network | FileSystem.FileSystem>> =>
    Effect.suspend(() => {
      const built = Deferred.makeUnsafe<void, E>()
      const program = Effect.flatMap(Effect.exit(Layer.build(layer)), (exit): Effect.Effect<void, E> => {
        const isFirst = Deferred.doneUnsafe(built, Effect.asVoid(exit) as never)
        if (Exit.isSuccess(exit)) return Effect.never
        return isFirst ? Effect.void : Effect.asVoid(exit)
      })
      return Effect.andThen(start(self, program, options), Deferred.await(built)) as Effect.Effect<
        void,
        E,
        Exclude<R, Network.Network | FileSystem.FileSystem>
      >
    })
)

const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
