/**
 * The names of a simulated network: what they resolve to, and what goes wrong with that.
 *
 * The names of hosts and those of `names` of `SimNetwork.layer` resolve at once. `set` changes a name while a run lasts, as new
 * DNS records do. `fail`, `slow` and `stale` are faults of a host's resolver, which last until their Scope closes.
 *
 * **Example** (a service moves, and one client does not notice for a minute)
 *
 * ```ts
 * import * as SimDns from "@sluice/simulation/SimDns"
 * import type * as Host from "@sluice/simulation/Host"
 * import * as Effect from "effect/Effect"
 *
 * const move = (client: Host.Host) =>
 *   Effect.scoped(Effect.gen(function*() {
 *     yield* SimDns.stale(client)
 *     yield* SimDns.set("service", ["10.0.0.7"])
 *     yield* Effect.sleep("1 minute")
 *   }))
 * ```
 *
 * @since 0.1.0
 */
import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, reject } from "@sluice/core/Options"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Fault from "./Fault.ts"
import { beginFault } from "./internal/world/lastingFault.ts"
import { SimNetwork } from "./SimNetwork.ts"

/**
 * Lets a name resolve to these addresses from now on; to none if they are empty.
 *
 * Fails with `InvalidOption` if an address is invalid.
 *
 * @since 0.1.0
 * @category names
 */
export const set = (
  name: string,
  addresses: ReadonlyArray<NetAddress.IpAddressInput>
): Effect.Effect<void, NetworkError.NetworkError, SimNetwork> =>
  Effect.flatMap(SimNetwork, ({ world }) =>
    Effect.map(
      Effect.fromResult(checked("configure", name, () => addresses.map(format))),
      (checked) => world.setName(name, checked)
    ))

const format = (input: NetAddress.IpAddressInput): string => {
  const parsed = NetAddress.ipFromInput(input)
  return Result.isSuccess(parsed) ? NetAddress.formatIp(parsed.success) : reject("addresses", input, "an IP address")
}

const begin = (
  hosts: Fault.Hosts,
  describe: () => Omit<Fault.Description, "hosts">
): Effect.Effect<void, never, Scope.Scope> => beginFault([hosts].flat(), describe)

/**
 * Lets the look-ups of a host fail with `NameServerFailed`. `localhost` still resolves.
 *
 * @since 0.1.0
 * @category faults
 */
export const fail = (hosts: Fault.Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(hosts, () => ({ kind: "failDns" }))

/**
 * Lets the look-ups of a host take longer.
 *
 * @since 0.1.0
 * @category faults
 */
export const slow = (hosts: Fault.Hosts, delay: Duration.Input): Effect.Effect<void, never, Scope.Scope> =>
  begin(hosts, () => ({ kind: "slowDns", amount: duration("delay", delay, 0, 86_400_000) }))

/**
 * Lets names resolve on a host as they do now, as a cache does: it does not see `set`.
 *
 * @since 0.1.0
 * @category faults
 */
export const stale = (hosts: Fault.Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(hosts, () => ({ kind: "staleDns" }))
