/**
 * A network that is simulated: hosts, links between them, TCP and UDP, in virtual time, and with one seed that decides
 * everything. Every program that asks for a `Network` runs on it unchanged.
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
 * - `Simulation.run` brings one along, with a clock that moves by itself. Under any other Clock (a test clock, the real
 *   one) the network waits on that, in whole milliseconds: what takes less, such as the way from a host to itself, takes
 *   no time there.
 */
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, optionalInteger, reject } from "@sluice/core/Options"
import * as Transport from "@sluice/core/Transport"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Host from "./Host.ts"
import { type Settings, World } from "./internal/fabric/world.ts"
import type { HostState } from "./internal/kernel/host.ts"
import { makePlatform } from "./internal/kernel/platform.ts"
import { checkTcp, type TcpOptions } from "./internal/kernel/tcp/settings.ts"
import { parseCertificates } from "./internal/kernel/tls/certificate/certificate.ts"
import { usable } from "./internal/kernel/tls/context.ts"
import { checkStack, type TlsOptions } from "./internal/kernel/tls/stack.ts"
import * as Engine from "./internal/time/engine.ts"
import type { Seed } from "./internal/time/random.ts"
import * as Link from "./Link.ts"
import type * as Trace from "./Trace.ts"

export type { TcpOptions } from "./internal/kernel/tcp/settings.ts"
export type { TlsOptions } from "./internal/kernel/tls/stack.ts"
export type { Seed } from "./internal/time/random.ts"

/** How a simulated network is made. */
export interface Options {
  /** Decides everything that is left to chance. Default: 0. */
  readonly seed?: Seed | undefined
  /** What holds for links that nothing else is set for. Default: 1 ms of latency, and no faults. */
  readonly defaults?: Link.Options | undefined
  /** What holds from a host to itself. Default: 50 microseconds of latency, and no faults. */
  readonly loopback?: Link.Options | undefined
  readonly tcp?: TcpOptions | undefined
  /**
   * Whom clients trust that do not say whom: the certificates of authorities (`SimCertificate.authority`), as PEM text.
   * Default: nobody.
   */
  readonly authorities?: string | ReadonlyArray<string> | undefined
  /** Names beside those of the hosts, with their IP addresses. */
  readonly names?: Readonly<Record<string, ReadonlyArray<NetAddress.IpAddressInput>>> | undefined
  /** How much of the trace is kept: the last records, and bytes in them. Default: 65,536 and 16 MiB. `false`: none. */
  readonly trace?: { readonly records?: number | undefined; readonly bytes?: number | undefined } | false | undefined
}

/** What a host can be given. */
export interface HostOptions {
  /** Default: the next free one of 10.0.0.0/8, and of fd00::/64. */
  readonly addresses?: ReadonlyArray<NetAddress.IpAddressInput> | undefined
  /** More names for it. */
  readonly aliases?: ReadonlyArray<string> | undefined
  /** What its TLS can do, such as only what an old machine could. */
  readonly tls?: TlsOptions | undefined
}

/** A simulated network. */
export class SimNetwork extends Context.Service<SimNetwork, { readonly world: World }>()(
  "@sluice/simulation/SimNetwork"
) {}

/**
 * Makes a simulated network, which goes on until its Scope is closed.
 *
 * Fails with `InvalidOption`, and with `UnusableCertificate`.
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<SimNetwork["Service"], NetworkError.NetworkError, Scope.Scope> {
  const settings = yield* Effect.fromResult(check(options))
  const engine = yield* Engine.engine
  return { world: new World(engine, yield* Effect.scope, settings) }
})

/** A simulated network as a Layer. */
export const layer = (options?: Options): Layer.Layer<SimNetwork, NetworkError.NetworkError> =>
  Layer.effect(SimNetwork, make(options))

/**
 * A network of one host, as a Layer: for programs that only talk to themselves. `Network` is what that host sees.
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
  Result.gen(function*() {
    return {
      seed: options.seed ?? 0,
      defaults: yield* Link.check(options.defaults ?? {}, Link.defaults, "the links"),
      loopback: yield* Link.check(options.loopback ?? {}, Link.loopback, "the loopback links"),
      tcp: yield* checkTcp(options.tcp ?? {}),
      names: yield* checked("configure", "the names", () =>
        new Map(
          Object.entries(options.names ?? {}).map(([name, ips]) => [
            name,
            ips.map((ip) => address("names", ip))
          ])
        )),
      authorities: yield* checked("configure", "the authorities", () =>
        [options.authorities ?? []].flat().flatMap((text) =>
          usable("authorities", () => parseCertificates(text))
        )),
      trace: yield* checked("configure", "the trace", () =>
        options.trace === false ? undefined : {
          records: optionalInteger("trace.records", options.trace?.records, 0, 2 ** 30) ?? 65_536,
          bytes: optionalInteger("trace.bytes", options.trace?.bytes, 0, 2 ** 40) ?? 16 * 1024 * 1024
        })
    }
  })

const address = (option: string, input: NetAddress.IpAddressInput): string => {
  const parsed = NetAddress.ipFromInput(input)
  return Result.isSuccess(parsed) ? NetAddress.formatIp(parsed.success) : reject(option, input, "an IP address")
}

/**
 * The host of that name; made when it is asked for the first time. Its name, and its aliases, can be connected to.
 *
 * Fails with `InvalidOption` when an address is no IP address or another host has it, or `tls` leaves nothing to speak.
 */
export const host = (
  name: string,
  options: HostOptions = {}
): Effect.Effect<Host.Host, NetworkError.NetworkError, SimNetwork> =>
  Effect.gen(function*() {
    const { world } = yield* SimNetwork
    const known = world.hosts.get(name)
    if (known !== undefined) return known
    const { addresses, tls } = yield* Effect.fromResult(checked("configure", name, () => ({
      addresses: (options.addresses ?? []).map((input) => {
        const own = address("addresses", input)
        return world.hostAt(own) === undefined ? own : reject("addresses", own, "an address that no other host has")
      }),
      tls: checkStack(options.tls ?? {})
    })))
    const made = world.addHost(name, addresses, options.aliases ?? [], tls)
    made.network = yield* Scope.provide(Transport.makeNetwork(makePlatform(made)), world.scope)
    return made
  })

/** Several hosts at once: `const [a, b] = yield* SimNetwork.hosts("a", "b")`. */
export const hosts = <const Names extends ReadonlyArray<string>>(
  ...names: Names
): Effect.Effect<{ readonly [K in keyof Names]: Host.Host }, NetworkError.NetworkError, SimNetwork> =>
  Effect.map(Effect.forEach(names, (name) => host(name)), (all) => all as never)

/** Sets the link between two hosts, both ways; what is left out stays as it is. Any time, while everything runs. */
export const link = (
  a: Host.Host,
  b: Host.Host,
  options: Link.Options
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.andThen(linkOneWay(a, b, options), linkOneWay(b, a, options))

/** Sets the link from one host to another, one way; what is left out stays as it is. */
export const linkOneWay = (
  from: Host.Host,
  to: Host.Host,
  options: Link.Options
): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const link = (from as HostState).linkToHost(to as HostState)
    return Effect.map(
      Effect.fromResult(Link.check(options, link.settings, `the link from ${from.name} to ${to.name}`)),
      (settings) => {
        link.settings = settings
      }
    )
  })

/** The record of what has happened so far. */
export const trace: Effect.Effect<Trace.Trace, never, SimNetwork> = Effect.map(SimNetwork, ({ world }) => world.trace)

/** How many TCP segments and UDP datagrams have been sent so far. */
export const traffic: Effect.Effect<{ readonly segments: number; readonly datagrams: number }, never, SimNetwork> =
  Effect
    .map(SimNetwork, ({ world: { datagrams, segments } }) => ({ segments, datagrams }))
