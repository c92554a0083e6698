/**
 * Faults on command: what goes wrong with the network and the machines, when the program says so.
 *
 * Each is an effect that happens now and lasts, and a scoped one that ends with its Scope: `partition` and `partitioned`,
 * `hold` and `held`, and so on. Wherever a host is asked for, several may be given: `partition([a, b], [c])`.
 *
 * **Example**
 *
 * ```ts
 * import * as Fault from "@sluice/simulation/Fault"
 * import type * as Host from "@sluice/simulation/Host"
 * import * as Effect from "effect/Effect"
 *
 * const anHourApart = (a: Host.Host, b: Host.Host) =>
 *   Effect.scoped(Effect.andThen(Fault.partitioned(a, b), Effect.sleep("1 hour")))
 * ```
 *
 * **Details**
 *
 * - A fault stops what is sent from then on. What is on its way already arrives.
 * - Partitions that overlap add up: a way is open again when all of them have ended, or at once after `heal`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Host from "./Host.ts"
import type { LinkState } from "./internal/fabric/link.ts"
import type { HostState } from "./internal/kernel/host.ts"
import { describeFault, type TlsFault } from "./internal/kernel/tls/fault.ts"

export type { TlsFault } from "./internal/kernel/tls/fault.ts"

/** One host, or several. */
export type Hosts = Host.Host | ReadonlyArray<Host.Host>

const states = (hosts: Hosts): ReadonlyArray<HostState> =>
  (Array.isArray(hosts) ? hosts : [hosts]) as ReadonlyArray<HostState>

const names = (hosts: ReadonlyArray<HostState>): string => hosts.map((host) => host.name).join(", ")

const ways = (from: ReadonlyArray<HostState>, to: ReadonlyArray<HostState>): ReadonlyArray<LinkState> =>
  from.flatMap((each) => to.filter((other) => other !== each).map((other) => each.linkToHost(other)))

const change = (
  name: (from: string, to: string) => string,
  from: Hosts,
  to: Hosts,
  direction: "bothWays" | "oneWay",
  apply: (link: LinkState) => void
): Effect.Effect<void> =>
  Effect.sync(() => {
    const [a, b] = [states(from), states(to)]
    a[0]?.world.fault(name(names(a), names(b)), [...a, ...b])
    for (const link of direction === "oneWay" ? ways(a, b) : [...ways(a, b), ...ways(b, a)]) apply(link)
  })

const scoped = (begin: Effect.Effect<void>, end: Effect.Effect<void>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(begin, () => end)

const cut = (link: LinkState) => void link.cuts++
const mend = (link: LinkState) => void (link.cuts = Math.max(0, link.cuts - 1))

// ---------------------------------------------------------------------------------------------------------------------
// Partitions
// ---------------------------------------------------------------------------------------------------------------------

/** Nothing that one side sends gets to the other. */
export const partition = (a: Hosts, b: Hosts): Effect.Effect<void> =>
  change((a, b) => `partition ${a} | ${b}`, a, b, "bothWays", cut)

/** `partition` for as long as the Scope is open. */
export const partitioned = (a: Hosts, b: Hosts): Effect.Effect<void, never, Scope.Scope> =>
  scoped(partition(a, b), change((a, b) => `end of partition ${a} | ${b}`, a, b, "bothWays", mend))

/** Nothing that `from` sends gets to `to`; what comes the other way does. */
export const partitionOneWay = (from: Hosts, to: Hosts): Effect.Effect<void> =>
  change((a, b) => `partition ${a} -> ${b}`, from, to, "oneWay", cut)

/** `partitionOneWay` for as long as the Scope is open. */
export const partitionedOneWay = (from: Hosts, to: Hosts): Effect.Effect<void, never, Scope.Scope> =>
  scoped(
    partitionOneWay(from, to),
    change((a, b) => `end of partition ${a} -> ${b}`, from, to, "oneWay", mend)
  )

/** Ends all partitions between the two, lets go on what is held, and makes what was slow as fast as before. */
export const heal = (a: Hosts, b: Hosts): Effect.Effect<void> =>
  change((a, b) => `heal ${a} - ${b}`, a, b, "bothWays", (link) => {
    link.cuts = 0
    link.slowness = 1
    link.release()
  })

// ---------------------------------------------------------------------------------------------------------------------
// Delays
// ---------------------------------------------------------------------------------------------------------------------

/** Keeps back what is sent between the two, until it is released. Up to 65,536 packets each way; more are dropped. */
export const hold = (a: Hosts, b: Hosts): Effect.Effect<void> =>
  change((a, b) => `hold ${a} - ${b}`, a, b, "bothWays", (link) => link.hold())

/** Lets what was held go on, in its order. */
export const release = (a: Hosts, b: Hosts): Effect.Effect<void> =>
  change((a, b) => `release ${a} - ${b}`, a, b, "bothWays", (link) => link.release())

/** `hold` for as long as the Scope is open, and then `release`. */
export const held = (a: Hosts, b: Hosts): Effect.Effect<void, never, Scope.Scope> => scoped(hold(a, b), release(a, b))

/** Multiplies the latencies between the two by `factor`. */
export const slow = (a: Hosts, b: Hosts, factor: number): Effect.Effect<void> =>
  change((a, b) => `slow ${a} - ${b}: ${factor} times`, a, b, "bothWays", (link) => {
    link.slowness = Math.max(0, factor)
  })

/** `slow` for as long as the Scope is open. */
export const slowed = (a: Hosts, b: Hosts, factor: number): Effect.Effect<void, never, Scope.Scope> =>
  scoped(slow(a, b, factor), slow(a, b, 1))

// ---------------------------------------------------------------------------------------------------------------------
// Machines
// ---------------------------------------------------------------------------------------------------------------------

/**
 * A host stops: its sockets vanish without a word to anybody, and what runs on it is interrupted. Who is connected to it
 * learns of it by a reset once it is up again, or by no answer.
 */
export const crash = (host: Hosts): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const each of states(host)) {
      if (!each.isUp) continue
      each.world.fault(`crash of ${each.name}`, [each])
      each.vanish()
      for (const fiber of each.fibers) fiber.interruptUnsafe()
    }
  })

/** A host that crashed comes up again, and runs its programs (`Host.start`, `Host.serve`) from their beginning. */
export const restart = (host: Hosts): Effect.Effect<void> =>
  Effect.suspend(() =>
    Effect.forEach(states(host), (each) => {
      if (each.isUp) return Effect.void
      each.world.fault(`restart of ${each.name}`, [each])
      each.isUp = true
      return Effect.all(each.programs, { discard: true })
    }, { discard: true })
  )

/** `crash`, and `restart` when the Scope is closed. */
export const crashed = (host: Hosts): Effect.Effect<void, never, Scope.Scope> => scoped(crash(host), restart(host))

/** Sets how far a host's clock is ahead, or behind if negative. What it measures and sleeps stays right. */
export const skew = (host: Hosts, ahead: Duration.Input): Effect.Effect<void> =>
  Effect.sync(() => {
    const millis = Duration.toMillis(Duration.fromInputUnsafe(ahead))
    for (const each of states(host)) {
      each.world.fault(`clock of ${each.name} ahead by ${millis} ms`, [each])
      each.skew = millis
    }
  })

/** `skew` for as long as the Scope is open. */
export const skewed = (host: Hosts, ahead: Duration.Input): Effect.Effect<void, never, Scope.Scope> =>
  scoped(skew(host, ahead), skew(host, 0))

// ---------------------------------------------------------------------------------------------------------------------
// TLS
// ---------------------------------------------------------------------------------------------------------------------

/**
 * From now on a host does something wrong in TLS, as a client and as a server:
 *
 * - `"stall"`: it says nothing more in a handshake, once the client has said hello
 * - `"cut"`: it closes the connection in the middle of what it has to say first
 * - `{ alert: "internal_error" }`: it answers with that alert, by its name in RFC 8446, section 6
 * - `"corrupt"`: what it sends is damaged, and its peer finds that
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
 */
export const breakTls = (host: Hosts, fault: TlsFault): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const each of states(host)) {
      each.world.fault(`TLS of ${each.name}: ${describeFault(fault)}`, [each])
      each.tlsFault = fault
    }
  })

/** Ends what is wrong with the TLS of a host. */
export const mendTls = (host: Hosts): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const each of states(host)) {
      each.world.fault(`TLS of ${each.name}: mended`, [each])
      each.tlsFault = undefined
    }
  })

/** `breakTls` for as long as the Scope is open. */
export const brokenTls = (host: Hosts, fault: TlsFault): Effect.Effect<void, never, Scope.Scope> =>
  scoped(breakTls(host, fault), mendTls(host))
