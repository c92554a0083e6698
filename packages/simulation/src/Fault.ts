/**
 * Faults of the simulated network and its machines.
 *
 * Each fault begins at once and lasts until its Scope closes, or until `heal`. Where a host is asked for, several may be
 * given: `partition([a, b], c)`.
 *
 * **Example** (a partition of an hour)
 *
 * ```ts
 * import * as Fault from "@sluice/simulation/Fault"
 * import type * as Host from "@sluice/simulation/Host"
 * import * as Effect from "effect/Effect"
 *
 * const anHourApart = (a: Host.Host, b: Host.Host) =>
 *   Effect.scoped(Effect.andThen(Fault.partition(a, b), Effect.sleep("1 hour")))
 * ```
 *
 * **Details**
 *
 * - A fault of a link affects packets that are sent from then on. Packets in flight arrive.
 * - Faults add up: two hosts are connected again when every partition between them has ended.
 * - An option that is not valid is a defect, an `InvalidOption`.
 * - Faults of disks are in `Disk`.
 * - `Campaign` injects faults at random. `inject` injects a fault that is given as data.
 *
 * @since 0.1.0
 */
import { duration, integer, reject } from "@sluice/core/Options"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Host from "./Host.ts"
import type { HostState } from "./internal/kernel/host.ts"
import type { TlsFault } from "./internal/kernel/tls/fault.ts"
import type { Description, RecordedFault } from "./internal/world/faultDescription.ts"
import { beginFault } from "./internal/world/lastingFault.ts"
import { HeldPackets } from "./internal/world/rule/heldPackets.ts"
import { checkRule, plainAction } from "./internal/world/rule/options.ts"
import { World } from "./internal/world/world.ts"
import type * as Rule from "./Rule.ts"
import { SimNetwork } from "./SimNetwork.ts"

export { type Description, type Kind, type Occasion, type RecordedFault } from "./internal/world/faultDescription.ts"

export { type TlsFault } from "./internal/kernel/tls/fault.ts"

/**
 * One host, or several.
 *
 * @since 0.1.0
 * @category models
 */
export type Hosts = Host.Host | ReadonlyArray<Host.Host>

const states = (hosts: Hosts): ReadonlyArray<HostState> =>
  (Array.isArray(hosts) ? hosts : [hosts]) as ReadonlyArray<HostState>

const names = (hosts: Hosts): ReadonlyArray<string> => states(hosts).map(({ name }) => name)

const begin = (hosts: Hosts, describe: () => Omit<Description, "hosts">): Effect.Effect<void, never, Scope.Scope> =>
  beginFault(states(hosts), describe)

const number = (option: string, value: number, isValid: (value: number) => boolean, expected: string): number =>
  isValid(value) ? value : reject(option, value, expected)

// ---------------------------------------------------------------------------------------------------------------------
// Links
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Drops all packets between the two sides.
 *
 * @since 0.1.0
 * @category links
 */
export const partition = (a: Hosts, b: Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(a, () => ({ kind: "partition", others: names(b) }))

/**
 * Drops all packets from one side to the other. Packets in the other direction arrive.
 *
 * @since 0.1.0
 * @category links
 */
export const partitionOneWay = (from: Hosts, to: Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(from, () => ({ kind: "partitionOneWay", others: names(to) }))

/**
 * Drops all IPv6 packets between the two sides: a host that has a broken IPv6 route connects by IPv4, if it tries.
 *
 * @since 0.1.0
 * @category links
 */
export const partitionIpv6 = (a: Hosts, b: Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(a, () => ({ kind: "partitionIpv6", others: names(b) }))

/**
 * Drops all packets between the two sides and tells their senders (ICMP host unreachable): connecting fails at once with
 * `Unreachable`, and open connections after their timeouts. Lose the ICMP errors with `rule` to have a silent partition.
 *
 * @since 0.1.0
 * @category links
 */
export const unreachable = (a: Hosts, b: Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(a, () => ({ kind: "unreachable", others: names(b) }))

/**
 * Resets each connection between the two sides that sends something, as a firewall that has restarted.
 *
 * @since 0.1.0
 * @category links
 */
export const reset = (a: Hosts, b: Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(a, () => ({ kind: "reset", others: names(b) }))

/**
 * Keeps all packets between the two sides, up to 65,536 in each direction, and sends them in order when it ends.
 *
 * @since 0.1.0
 * @category links
 */
export const hold = (a: Hosts, b: Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(a, () => ({ kind: "hold", others: names(b) }))

/**
 * Multiplies the latencies between the two sides by `factor`, a number from 0.
 *
 * @since 0.1.0
 * @category links
 */
export const slow = (a: Hosts, b: Hosts, factor: number): Effect.Effect<void, never, Scope.Scope> =>
  begin(a, () => ({
    kind: "slow",
    others: names(b),
    amount: number("factor", factor, (value) => value >= 0 && value < Infinity, "a number from 0")
  }))

/**
 * Loses packets between the two sides with this probability, 0 to 1, besides those that the link loses anyway.
 *
 * @since 0.1.0
 * @category links
 */
export const lossy = (a: Hosts, b: Hosts, probability: number): Effect.Effect<void, never, Scope.Scope> =>
  begin(a, () => ({
    kind: "lossy",
    others: names(b),
    amount: number("probability", probability, (value) => value >= 0 && value <= 1, "a probability, from 0 to 1")
  }))

/**
 * Acts on the packets that match, from then on: see `Rule`.
 *
 * **Example** (the path loses large packets, and the ICMP errors that would tell)
 *
 * ```ts
 * import * as Fault from "@sluice/simulation/Fault"
 *
 * const blackHole = Fault.rule((packet) => packet.size > 1280, "drop")
 * ```
 *
 * @since 0.1.0
 * @category links
 */
export const rule = (
  matching: Rule.Matching,
  action: Rule.Action,
  options: Rule.Options = {}
): Effect.Effect<Rule.Rule, never, SimNetwork | Scope.Scope> =>
  Effect.flatMap(SimNetwork, ({ world }) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => world.rules.begin(matching, plainAction(action), checkRule(options))),
        ({ end }) => Effect.sync(end)
      ),
      ({ count, release }) => ({ count: Effect.sync(count), release: Effect.sync(release) })
    ))

/**
 * Holds the packets that match, and tells of each, so that a test acts at exactly this moment and then sends it or loses it.
 * When it ends it sends what it holds. TCP may send a segment again while it is held: those are lost.
 *
 * **Example** (the server crashes after it has answered, and before the answer arrives)
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Fault from "@sluice/simulation/Fault"
 * import type * as Host from "@sluice/simulation/Host"
 * import * as Rule from "@sluice/simulation/Rule"
 * import * as Effect from "effect/Effect"
 *
 * const crashBeforeTheAnswer = Effect.fnUntraced(function*(server: Host.Host) {
 *   const answers = yield* Fault.barrier(Rule.frames(Framing.lines(), (line) => line === "done"))
 *   const { drop } = yield* answers.wait
 *   yield* drop
 *   yield* Fault.crash(server)
 * })
 * ```
 *
 * @since 0.1.0
 * @category links
 */
export const barrier = (
  matching: Rule.Matching,
  options: Rule.Options = {}
): Effect.Effect<Rule.Barrier, never, SimNetwork | Scope.Scope> =>
  Effect.flatMap(SimNetwork, ({ world }) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => new HeldPackets(world, matching, checkRule(options))),
        (held) => Effect.sync(held.end)
      ),
      ({ wait }) => ({ wait })
    ))

// ---------------------------------------------------------------------------------------------------------------------
// Hosts
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Turns off the power of a host. What runs there stops at once: no finalizer runs, and nothing is sent. Its sockets are
 * gone; a peer learns of it by a reset once the host is up again, or by a timeout. Its disk loses what was not synced, or some
 * of it: see `Disk`.
 *
 * When the fault ends, the host starts its programs (`Host.start`, `Host.serve`) from their beginning.
 *
 * @since 0.1.0
 * @category hosts
 */
export const crash = (host: Hosts): Effect.Effect<void, never, Scope.Scope> => begin(host, () => ({ kind: "crash" }))

/**
 * Kills the process of a host, as `SIGKILL` does: no finalizer runs, but the kernel closes the sockets. Peers get what was
 * written and FIN, or a reset if something was unread, and its ports refuse connections. What was written to files stays.
 * Ends as `crash` does.
 *
 * @since 0.1.0
 * @category hosts
 */
export const kill = (host: Hosts): Effect.Effect<void, never, Scope.Scope> => begin(host, () => ({ kind: "kill" }))

/**
 * Asks the process of a host to end, as `SIGTERM` does: its programs are interrupted, and servers drain. After the grace
 * period, 30 seconds by default, it is killed. Ends as `crash` does.
 *
 * @since 0.1.0
 * @category hosts
 */
export const stop = (
  host: Hosts,
  options?: { readonly grace?: Duration.Input | undefined }
): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "stop", amount: duration("grace", options?.grace ?? "30 seconds", 0) }))

/**
 * Pauses the process of a host, as garbage collection, `SIGSTOP` and the migration of a virtual machine do. Its kernel
 * continues: it acknowledges packets until its buffers are full. Timers that expired meanwhile fire when the fault ends.
 *
 * @since 0.1.0
 * @category hosts
 */
export const pause = (host: Hosts): Effect.Effect<void, never, Scope.Scope> => begin(host, () => ({ kind: "pause" }))

/**
 * Makes every turn of the process of a host take a random time of up to `most`, one after the other. Without it, programs
 * take no time to run, and a race between a check and the act that follows it is not found.
 *
 * @since 0.1.0
 * @category hosts
 */
export const turns = (host: Hosts, most: Duration.Input): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "turns", amount: duration("most", most, 0, 3_600_000) }))

/**
 * Sets the wall clock of a host ahead, or back if negative. Durations and timers are not affected.
 *
 * @since 0.1.0
 * @category hosts
 */
export const skew = (host: Hosts, ahead: Duration.Input): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "skew", amount: duration("ahead", ahead, -Infinity) }))

/**
 * Makes both clocks of a host, and its timers, run `rate` times as fast, from 0.01 to 100. What it gained stays when the
 * fault ends.
 *
 * @since 0.1.0
 * @category hosts
 */
export const drift = (host: Hosts, rate: number): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({
    kind: "drift",
    amount: number("rate", rate, (value) => value >= 0.01 && value <= 100, "a number from 0.01 to 100")
  }))

/**
 * Makes a host do something wrong in TLS, as a client and as a server:
 *
 * - `"stall"`: it sends nothing more in a handshake after the ClientHello
 * - `"cut"`: it closes the connection in the middle of its first flight
 * - `{ alert: "internal_error" }`: it answers with that alert, by its name in RFC 8446, section 6
 * - `"corrupt"`: its records are damaged, and its peer detects that
 * - `"truncate"`: it ends its connections without `close_notify`
 *
 * **Example**
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import * as Fault from "@sluice/simulation/Fault"
 * import * as Host from "@sluice/simulation/Host"
 * import * as Effect from "effect/Effect"
 *
 * const impatient = Effect.fnUntraced(function*(server: Host.Host, client: Host.Host) {
 *   yield* Fault.breakTls(server, "stall")
 *   yield* Host.run(client, Effect.scoped(Network.connect("tls://server:443", { connectTimeout: "1 second" })))
 * })
 * ```
 *
 * @since 0.1.0
 * @category hosts
 */
export const breakTls = (host: Hosts, fault: TlsFault): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "breakTls", tls: fault }))

/**
 * Lets a host have at most `limit` sockets: more fail with `TooManyOpenFiles`, and servers reset connections.
 *
 * @since 0.1.0
 * @category hosts
 */
export const descriptors = (host: Hosts, limit: number): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "descriptors", amount: integer("limit", limit, 0, Number.MAX_SAFE_INTEGER) }))

// ---------------------------------------------------------------------------------------------------------------------
// Data, and the end
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Injects a fault that is given as data. Hosts that do not exist are left out.
 *
 * @since 0.1.0
 * @category data
 */
export const inject = (description: Description): Effect.Effect<void, never, SimNetwork | Scope.Scope> =>
  Effect.flatMap(SimNetwork, ({ world }) =>
    Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => world.faults.begin(description)),
      (active) => Effect.sync(() => world.faults.end(active))
    )))

/**
 * All faults that have begun so far, in their order. Up to 65,536 are recorded.
 *
 * @since 0.1.0
 * @category data
 */
export const recorded: Effect.Effect<ReadonlyArray<RecordedFault>, never, SimNetwork> = Effect.map(
  SimNetwork,
  ({ world }) => world.faults.recorded
)

/**
 * Ends faults before their Scope closes: those of the links between two sides, or those of hosts, which start again if they
 * are down.
 *
 * @since 0.1.0
 * @category healing
 */
export const heal: {
  (host: Hosts): Effect.Effect<void>
  (a: Hosts, b: Hosts): Effect.Effect<void>
} = (a: Hosts, b?: Hosts): Effect.Effect<void> =>
  Effect.sync(() => {
    const hosts = states(a)
    const faults = hosts[0] === undefined ? undefined : World.of(hosts[0]).faults
    faults?.heal(b === undefined ? new Set(hosts) : faults.linksBetween(hosts, states(b)))
  })

/**
 * Ends all faults of a network.
 *
 * @since 0.1.0
 * @category healing
 */
export const healAll: Effect.Effect<void, never, SimNetwork> = Effect.map(
  SimNetwork,
  ({ world }) => world.faults.heal()
)

/**
 * Starts hosts that are down: ends `crash`, `kill` and `stop` as `heal` does, and leaves other faults in effect. Does
 * nothing on a host that is up.
 *
 * @since 0.1.0
 * @category healing
 */
export const restart = (host: Hosts): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const each of states(host)) World.of(each).faults.restart(each)
  })
