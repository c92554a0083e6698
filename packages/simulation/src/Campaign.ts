/**
 * Random faults for a run: which kinds, how often, on which hosts. `Simulation.explore` runs a program under a campaign.
 *
 * Each seed draws a subset of the kinds, a pace, and a few habits, such as isolating each host that has just received a rare
 * packet, for a second. So some runs have only crashes, some are calm, and some repeat one fault many times. At the end of
 * the campaign all faults are healed, and the program must recover.
 *
 * **Example** (a campaign that aims at the leader half of the time)
 *
 * ```ts
 * import * as Campaign from "@sluice/simulation/Campaign"
 * import type * as Host from "@sluice/simulation/Host"
 *
 * declare const leaders: () => ReadonlyArray<Host.Host>
 *
 * const campaign = Campaign.make({
 *   faults: ["partition", "crash", "pause", "drift"],
 *   roles: [leaders],
 *   every: ["100 millis", "5 seconds"]
 * })
 * ```
 *
 * @since 0.1.0
 */
import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, oneOf, optionalInteger, reject } from "@sluice/core/Options"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Fault from "./Fault.ts"
import type * as Host from "./Host.ts"
import { CampaignDriver, type Settings } from "./internal/campaign/driver.ts"
import { CurrentPatience, replay as replayed, vary as varied } from "./internal/campaign/replay.ts"
import type { HostState } from "./internal/kernel/host.ts"
import { diskKinds, hostKinds, linkKinds } from "./internal/world/faultDescription.ts"
import type { World } from "./internal/world/world.ts"
import { SimNetwork } from "./SimNetwork.ts"

/**
 * The options of a campaign.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The kinds of faults that a seed draws from. Default: `defaultFaults`. */
  readonly faults?: ReadonlyArray<Fault.Kind> | undefined
  /** The hosts that may be hit, asked at each fault. Default: servers four times out of five, otherwise others. */
  readonly targets?: (() => ReadonlyArray<Host.Host>) | undefined
  /** Hosts that are aimed at half of the time, asked at each fault: the current leader, the owner of a lock. Default: none. */
  readonly roles?: ReadonlyArray<() => ReadonlyArray<Host.Host>> | undefined
  /**
   * The shortest and the longest time between faults. A seed divides it by up to 16, or doubles it, and some faults come in
   * bursts. Default: 0.01 to 5 seconds.
   */
  readonly every?: readonly [least: Duration.Input, most: Duration.Input] | undefined
  /**
   * The shortest and the longest time that a fault lasts. Half of the faults last about as long as programs sleep: their
   * timeouts and intervals. Default: 0.01 to 10 seconds.
   */
  readonly lasts?: readonly [least: Duration.Input, most: Duration.Input] | undefined
  /** How many hosts may be down at once. Default: less than half of the targets, or all of them together. */
  readonly down?: number | undefined
}

/**
 * A campaign: starts with a run, and stops with its Scope.
 *
 * @since 0.1.0
 * @category models
 */
export interface Campaign {
  /** Begins to inject faults. When the Scope closes, all faults are healed. */
  readonly start: Effect.Effect<void, NetworkError.NetworkError, SimNetwork | Scope.Scope>
}

const driving = (
  begin: (world: World, context: Context.Context<never>) => Result.Result<() => void, NetworkError.NetworkError>
): Campaign => ({
  start: Effect.contextWith((context: Context.Context<SimNetwork>) =>
    Effect.asVoid(
      Effect.acquireRelease(Effect.fromResult(begin(Context.get(context, SimNetwork).world, context)), Effect.sync)
    )
  )
})

/**
 * Makes a campaign. Invalid options fail its `start` with `InvalidOption`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Campaign =>
  driving((world) => Result.map(check(options), (settings) => new CampaignDriver(world, settings).start()))

/**
 * Injects recorded faults at their times, and no others. With the seed and the parameters of the run in which they were
 * recorded, it is the same run.
 *
 * **Example**
 *
 * ```ts
 * import * as Campaign from "@sluice/simulation/Campaign"
 * import type * as Fault from "@sluice/simulation/Fault"
 *
 * const again = (json: string) => Campaign.replay(JSON.parse(json) as ReadonlyArray<Fault.RecordedFault>)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const replay = (faults: ReadonlyArray<Fault.RecordedFault>): Campaign =>
  driving((world, context) => Result.succeed(replayed(world, faults, Context.get(context, CurrentPatience))))

/**
 * Injects faults like recorded ones, in their order: each after a packet like the one that it followed, or after about as
 * long, and for about as long. The seed decides. Servers may change places.
 *
 * Use it to find a failure again after the program has changed, when the recorded times no longer fit.
 *
 * **Example** (a regression test)
 *
 * ```ts
 * import * as Campaign from "@sluice/simulation/Campaign"
 * import type * as Fault from "@sluice/simulation/Fault"
 * import type * as SimNetwork from "@sluice/simulation/SimNetwork"
 * import * as Simulation from "@sluice/simulation/Simulation"
 * import type * as Effect from "effect/Effect"
 *
 * declare const cluster: Effect.Effect<void, Error, SimNetwork.SimNetwork>
 * declare const faults: ReadonlyArray<Fault.RecordedFault>
 *
 * const regression = Simulation.explore(cluster, { campaign: Campaign.vary(faults), for: "5 seconds", seeds: 50 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const vary = (faults: ReadonlyArray<Fault.RecordedFault>): Campaign =>
  driving((world, context) => Result.succeed(varied(world, faults, Context.get(context, CurrentPatience))))

/**
 * The kinds of faults that a campaign injects only if they are named, besides `breakTls`: resets, unreachable hosts, broken
 * IPv6, names that do not resolve, and descriptors that run out.
 *
 * @since 0.1.0
 * @category options
 */
export const networkFaults: ReadonlyArray<Fault.Kind> = [
  "partitionIpv6",
  "unreachable",
  "reset",
  "descriptors",
  "failDns",
  "slowDns",
  "staleDns"
]

const kinds: ReadonlyArray<Fault.Kind> = [...linkKinds, ...hostKinds]

/**
 * The kinds of faults of disks: slow, stalled and full disks, reads and syncs that fail, and bit rot. Hosts that have not
 * used their disk are not hit. Without these, a crash still loses what was not synced.
 *
 * **Example** (all that can happen, to servers that detect rot and stop when a sync fails)
 *
 * ```ts
 * import * as Campaign from "@sluice/simulation/Campaign"
 *
 * const campaign = Campaign.make({ faults: [...Campaign.defaultFaults, ...Campaign.diskFaults] })
 * ```
 *
 * @since 0.1.0
 * @category options
 */
export const diskFaults: ReadonlyArray<Fault.Kind> = diskKinds

/**
 * The kinds of faults of a campaign by default: all that a server can survive without a second copy of its data. That is all
 * but `breakTls`, `diskFaults` and `networkFaults`.
 *
 * @since 0.1.0
 * @category options
 */
export const defaultFaults: ReadonlyArray<Fault.Kind> = kinds.filter((kind) =>
  kind !== "breakTls" && !diskFaults.includes(kind) && !networkFaults.includes(kind)
)

const check = (options: Options): Result.Result<Settings, NetworkError.NetworkError> =>
  checked("configure", "the campaign", () => {
    const faults = options.faults ?? defaultFaults
    const down = optionalInteger("down", options.down, 0, Number.MAX_SAFE_INTEGER)
    const states = (hosts: ReadonlyArray<Host.Host>) => hosts as ReadonlyArray<HostState>
    const { roles = [], targets } = options
    return {
      kinds: faults.length === 0
        ? reject("faults", "empty", "at least one kind")
        : faults.map((kind) => oneOf("faults", kind, kinds)),
      every: range("every", options.every ?? ["10 millis", "5 seconds"], 1),
      lasts: range("lasts", options.lasts ?? ["10 millis", "10 seconds"], 0),
      targets: targets === undefined ? undefined : () => states(targets()),
      roles: roles.map((role) => () => states(role())),
      mayBlackout: down === undefined,
      down: (hosts) => down ?? Math.max(1, Math.floor((hosts - 1) / 2))
    }
  })

const range = (
  option: string,
  [least, most]: readonly [Duration.Input, Duration.Input],
  shortest: number
): readonly [number, number] => {
  const from = duration(option, least, shortest, 86_400_000)
  return [from * 1000, duration(option, most, from, 86_400_000) * 1000]
}
