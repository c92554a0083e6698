import * as Network from "@sluice/core/Network"
import * as Transport from "@sluice/core/Transport"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import { CurrentEngine } from "../time/engine.ts"
import { randomService } from "../time/random.ts"
import type { HostState } from "./host.ts"
import { makePlatform } from "./platform.ts"
import { CurrentProcess } from "./process.ts"

/**
 * An effect with the services of the process that a host runs now. The first turn is a task of its own, so that the fiber,
 * and all that it forks, passes the gate of the process.
 */
export const located = <A, E, R>(
  host: HostState,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Network.Network | FileSystem.FileSystem>> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const { process } = host
    const { gate } = process
    const services = Context.empty().pipe(
      Context.add(CurrentProcess, process),
      Context.add(Transport.CurrentNumbers, host.world.numbers),
      Context.add(FileSystem.FileSystem, process.files),
      Context.add(Clock.Clock, host.time.clock(Context.get(context, Clock.Clock), gate)),
      Context.add(
        Scheduler.Scheduler,
        process.scheduler(Context.get(context, Scheduler.Scheduler), Context.get(context, CurrentProcess))
      ),
      Context.add(References.CurrentLogAnnotations, {
        ...Context.get(context, References.CurrentLogAnnotations),
        host: host.name
      })
    )
    // Under a Clock of the test, random numbers are the test's too.
    const own = Context.get(context, CurrentEngine) === undefined
      ? services
      : Context.add(services, Random.Random, randomService(host.random))
    return Effect.provideContext(
      Effect.andThen(
        Effect.yieldNow,
        Effect.flatMap(networkOf(host, process), (network) => Effect.provideService(effect, Network.Network, network))
      ),
      Context.merge(context, own)
    )
  }) as never

// A process has a network of its own, so that nothing that it has cached outlives it.
const networkOf = (host: HostState, process: HostState["process"]): Effect.Effect<Network.Network["Service"]> =>
  Effect.suspend(() =>
    process.network !== undefined ? Effect.succeed(process.network) : Effect.map(
      Scope.provide(Transport.makeNetwork(makePlatform(host, process)), host.world.scope),
      (network) => process.network = network
    )
  )
