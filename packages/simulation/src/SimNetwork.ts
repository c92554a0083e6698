/**
 * The simulated network: hosts, the links between them, TCP, UDP and TLS, in virtual time. One seed decides all that is
 * left to chance. A program that uses `Network` runs on it unchanged.
 *
 * **Example** (under a test clock: `TestClock.adjust` moves the network)
 *
 * ```ts
 * import * as Host from "@sluice/simulation/Host"
 * import * as SimNetwork from "@sluice/simulation/SimNetwork"
 * import * as Network from "@sluice/core/Network"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* SimNetwork.host("server")
 *   const client = yield* SimNetwork.host("client")
 *   yield* SimNetwork.link(server, client, { latency: "20 millis", loss: 0.3 })
 *   yield* Host.run(server, Effect.scoped(Network.listen("tcp://0.0.0.0:9000")))
 * }).pipe(Effect.provide(SimNetwork.layer({ seed: 42 })))
 * ```
 *
 * **Details**
 *
 * - `Simulation.run` makes one, with a clock that jumps to the next event. Under any other Clock (a test clock, the real
 *   one) the network waits on that Clock in whole milliseconds: shorter delays, such as the loopback's, take no time there.
 *
 * @since 0.1.0
 */
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, optionalInteger, reject } from "@sluice/core/Options"
import * as Transport from "@sluice/core/Transport"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Host from "./Host.ts"
import { checkDisk, defaultDisk, type DiskOptions } from "./internal/disk/settings.ts"
import { checkLink, checkNat, checkUplink, defaults, loopback } from "./internal/fabric/linkSettings.ts"
import { hide, type HostState } from "./internal/kernel/host.ts"
import { makePlatform } from "./internal/kernel/platform.ts"
import { checkTcp, type TcpOptions } from "./internal/kernel/tcp/settings.ts"
import { parseCertificates } from "./internal/kernel/tls/certificate/certificate.ts"
import { usable } from "./internal/kernel/tls/context.ts"
import { checkStack, type TlsOptions } from "./internal/kernel/tls/stack.ts"
import * as Engine from "./internal/time/engine.ts"
import type { Seed } from "./internal/time/random.ts"
import { type Settings, World } from "./internal/world/world.ts"
import type * as Link from "./Link.ts"
import type * as Trace from "./Trace.ts"

export {
  /**
   * The settings of the disk of a host.
   *
   * @since 0.1.0
   * @category options
   */
  type DiskOptions
} from "./internal/disk/settings.ts"
export {
  /**
   * The settings of TCP, the same on all hosts.
   *
   * @since 0.1.0
   * @category options
   */
  type TcpOptions
} from "./internal/kernel/tcp/settings.ts"
export {
  /**
   * The settings of TLS on a host.
   *
   * @since 0.1.0
   * @category options
   */
  type TlsOptions
} from "./internal/kernel/tls/stack.ts"
export {
  /**
   * Repeats a run: the same seed gives the same draws.
   *
   * @since 0.1.0
   * @category models
   */
  type Seed
} from "./internal/time/random.ts"

/**
 * The options of a simulated network.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Decides all that is left to chance. Default: 0. */
  readonly seed?: Seed | undefined
  /** The settings of links that `link` does not set. Default: a latency of 1 ms, and no loss. */
  readonly defaults?: Link.Options | undefined
  /** The settings of the loopback of all hosts. Default: a latency of 50 microseconds, and no loss. */
  readonly loopback?: Link.Options | undefined
  readonly tcp?: TcpOptions | undefined
  /** The disks of hosts that have no settings of their own. */
  readonly disk?: DiskOptions | undefined
  /**
   * The certificates of authorities (`SimCertificate.authority`), as PEM text, that clients trust by default.
   * Default: none.
   */
  readonly authorities?: string | ReadonlyArray<string> | undefined
  /** More names, with their IP addresses. Hosts have their own names and aliases. */
  readonly names?: Readonly<Record<string, ReadonlyArray<NetAddress.IpAddressInput>>> | undefined
  /** How much of the trace is kept. `false`: nothing. */
  readonly trace?: TraceOptions | false | undefined
}

/**
 * What a trace records, and how much of it is kept.
 *
 * @since 0.1.0
 * @category options
 */
export interface TraceOptions {
  /** How many records are kept: the last ones. Default: 65,536. */
  readonly records?: number | undefined
  /** Bytes of payloads that are kept. Default: 16 MiB. */
  readonly bytes?: number | undefined
  /**
   * The virtual time from which `Simulation.run` also records spans, and what each fiber and socket waits for, for
   * `Trace.toHtml`. It slows a run down: repeat a failed one with it. Default: never.
   */
  readonly waits?: Duration.Input | undefined
}

/**
 * The options of a host.
 *
 * @since 0.1.0
 * @category options
 */
export interface HostOptions {
  /** Default: the next free one of 10.0.0.0/8, and of fd00::/64. */
  readonly addresses?: ReadonlyArray<NetAddress.IpAddressInput> | undefined
  /** More names for it. */
  readonly aliases?: ReadonlyArray<string> | undefined
  /** What its TLS supports, for example only what an old machine does. */
  readonly tls?: TlsOptions | undefined
  /** Its disk. Default: as `disk` of the network. */
  readonly disk?: DiskOptions | undefined
  /** How many sockets may be open: more fail with `TooManyOpenFiles`. Default: no limit. */
  readonly descriptors?: number | undefined
}

/**
 * The options of an uplink.
 *
 * @since 0.1.0
 * @category options
 */
export interface UplinkOptions {
  /** Bits per second, in each direction. */
  readonly bandwidth: number
  /** Bits per second in the direction of the hosts. Default: as `bandwidth`. */
  readonly download?: number | undefined
  /** The capacity of the queue of each direction, in bytes. Packets that do not fit are dropped. Default: 256 KiB. */
  readonly queue?: number | undefined
}

/**
 * A simulated network.
 *
 * @since 0.1.0
 * @category services
 */
export class SimNetwork extends Context.Service<SimNetwork, { readonly world: World }>()(
  "@sluice/simulation/SimNetwork"
) {}

/**
 * Makes a simulated network. It ends when its Scope closes: all hosts lose their power.
 *
 * Fails with `InvalidOption`, and with `UnusableCertificate`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<SimNetwork["Service"], NetworkError.NetworkError, Scope.Scope> {
  const settings = yield* Effect.fromResult(check(options))
  const engine = yield* Engine.engine
  return yield* Effect.acquireRelease(
    Effect.map(Effect.scope, (scope) => ({ world: new World(engine, scope, settings) })),
    ({ world }) => Effect.sync(() => world.end())
  )
})

/**
 * A simulated network as a Layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<SimNetwork, NetworkError.NetworkError> =>
  Layer.effectContext(
    Effect.map(make(options), (network) =>
      Context.make(SimNetwork, network).pipe(Context.add(Transport.CurrentNumbers, network.world.numbers)))
  )

/**
 * The `Network` of a single host, as a Layer: for programs that connect to themselves.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerNetwork = (options?: Options): Layer.Layer<Network.Network, NetworkError.NetworkError> =>
  Layer.effect(
    Network.Network,
    Effect.flatMap(
      make(options),
      (network) => Effect.map(Effect.provideService(host("host"), SimNetwork, network), Host.network)
    )
  )

const check = (options: Options): Result.Result<Settings, NetworkError.NetworkError> =>
  Result.all({
    seed: Result.succeed(options.seed ?? 0),
    defaults: checkLink(options.defaults ?? {}, defaults, "the links"),
    loopback: checkLink(options.loopback ?? {}, loopback, "the loopback links"),
    tcp: checkTcp(options.tcp),
    disk: checkDisk(options.disk ?? {}, defaultDisk, "the disks"),
    names: checked("configure", "the names", () =>
      new Map(
        Object.entries(options.names ?? {}).map(([name, ips]) => [
          name,
          ips.map((ip) => address("names", ip))
        ])
      )),
    authorities: checked("configure", "the authorities", () =>
      [options.authorities ?? []].flat().flatMap((text) =>
        usable("authorities", () => parseCertificates(text))
      )),
    trace: checked("configure", "the trace", () =>
      options.trace === false ? undefined : {
        records: optionalInteger("trace.records", options.trace?.records, 0, 2 ** 30) ?? 65_536,
        bytes: optionalInteger("trace.bytes", options.trace?.bytes, 0, 2 ** 40) ?? 16 * 1024 * 1024
      })
  })

const address = (option: string, input: NetAddress.IpAddressInput): string => {
  const parsed = NetAddress.ipFromInput(input)
  return Result.isSuccess(parsed) ? NetAddress.formatIp(parsed.success) : reject(option, input, "an IP address")
}

/**
 * The host with a name. It is made, with the options, the first time. Its name and aliases resolve to its addresses.
 *
 * Fails with `InvalidOption` if an address is invalid or another host has it, or if `tls` leaves no version or cipher.
 *
 * @since 0.1.0
 * @category hosts
 */
export const host = Effect.fnUntraced(function*(
  name: string,
  options: HostOptions = {}
): Effect.fn.Return<Host.Host, NetworkError.NetworkError, SimNetwork> {
  const { world } = yield* SimNetwork
  const known = world.hosts.get(name)
  if (known !== undefined) return known
  const { addresses, descriptors, tls } = yield* Effect.fromResult(checked("configure", name, () => ({
    addresses: (options.addresses ?? []).map((input) => {
      const own = address("addresses", input)
      return world.hostAt(own) === undefined ? own : reject("addresses", own, "an address that no other host has")
    }),
    tls: checkStack(options.tls ?? {}),
    descriptors: optionalInteger("descriptors", options.descriptors, 0, Number.MAX_SAFE_INTEGER) ?? Infinity
  })))
  const disk = yield* Effect.fromResult(checkDisk(options.disk ?? {}, world.disk, name))
  const made = world.addHost(name, addresses, options.aliases ?? [], tls, descriptors, disk)
  made.network = yield* Transport.makeNetwork(makePlatform(made, undefined)).pipe(
    Scope.provide(world.scope),
    Effect.provideService(Transport.CurrentNumbers, world.numbers)
  )
  return made
})

/**
 * Several hosts: `const [a, b] = yield* SimNetwork.hosts("a", "b")`.
 *
 * @since 0.1.0
 * @category hosts
 */
export const hosts = <const Names extends ReadonlyArray<string>>(
  ...names: Names
): Effect.Effect<{ readonly [K in keyof Names]: Host.Host }, NetworkError.NetworkError, SimNetwork> =>
  Effect.map(Effect.forEach(names, (name) => host(name)), (all) => all as never)

/**
 * Sets the link between two hosts, in both directions and at any time. Settings that are left out stay.
 *
 * @since 0.1.0
 * @category links
 */
export const link = (
  a: Host.Host,
  b: Host.Host,
  options: Link.Options
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.andThen(linkOneWay(a, b, options), linkOneWay(b, a, options))

/**
 * Sets the link from one host to another, in that direction only. Settings that are left out stay.
 *
 * @since 0.1.0
 * @category links
 */
export const linkOneWay = (
  from: Host.Host,
  to: Host.Host,
  options: Link.Options
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const link = (from as HostState).linkToMachine(to as HostState)
    return Effect.map(
      Effect.fromResult(checkLink(options, link.settings, `the link from ${from.name} to ${to.name}`)),
      (settings) => {
        link.settings = settings
      }
    )
  })

/**
 * Lets hosts share one connection to all others: what they send and receive takes turns there, after their links and before
 * those of the others. Replaces the uplink that a host has.
 *
 * **Example** (an office with ten megabits)
 *
 * ```ts
 * import * as SimNetwork from "@sluice/simulation/SimNetwork"
 * import * as Effect from "effect/Effect"
 *
 * const office = Effect.flatMap(
 *   SimNetwork.hosts("alice", "bob"),
 *   (office) => SimNetwork.uplink(office, { bandwidth: 10_000_000 })
 * )
 * ```
 *
 * @since 0.1.0
 * @category links
 */
export const uplink = (
  hosts: ReadonlyArray<Host.Host>,
  options: UplinkOptions
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.map(Effect.fromResult(checkUplink(options, hosts.map(({ name }) => name).join(", "))), (uplink) => {
    for (const host of hosts) (host as HostState).uplink = uplink
  })

/**
 * Puts hosts behind a router that translates addresses (NAT): others see its address, and ports of its choice, and cannot
 * reach the hosts. It forgets idle flows, and all when it crashes. Packets take two links: to `router`, and from there.
 *
 * Fails with `InvalidOption`.
 *
 * @since 0.1.0
 * @category links
 */
export const nat = (
  router: Host.Host,
  hosts: ReadonlyArray<Host.Host>,
  options: Link.Middlebox
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.map(Effect.fromResult(checkNat(options, router.name)), (settings) => hide(router, hosts, settings))

/**
 * The record of what has happened so far.
 *
 * @since 0.1.0
 * @category observing
 */
export const trace: Effect.Effect<Trace.Trace, never, SimNetwork> = Effect.map(SimNetwork, ({ world }) => world.trace)

/**
 * How many TCP segments and UDP datagrams have been sent so far.
 *
 * @since 0.1.0
 * @category observing
 */
export const traffic: Effect.Effect<{ readonly segments: number; readonly datagrams: number }, never, SimNetwork> =
  Effect
    .map(SimNetwork, ({ world: { datagrams, segments } }) => ({ segments, datagrams }))
