import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { reject } from "../../Options.ts"
import type { NetworkInput } from "../../ServerPolicy.ts"

/** Validates networks that peers are matched against. A network of IPv4-mapped addresses becomes the IPv4 network. */
export const checkNetworks = (
  option: string,
  inputs: ReadonlyArray<NetworkInput>
): ReadonlyArray<IpNetwork.IpNetwork> =>
  Array.isArray(inputs)
    ? inputs.map((input) => network(option, input))
    : reject(option, inputs, "a list of networks, such as [\"10.0.0.0/8\"]")

const network = (option: string, input: NetworkInput): IpNetwork.IpNetwork => {
  const parsed = Result.orElse(
    IpNetwork.fromInput(input as IpNetwork.IpNetworkInput),
    () =>
      Result.map(
        NetAddress.ipFromInput(input as NetAddress.IpAddressInput),
        (address) => IpNetwork.makeUnsafe(address, NetAddress.width(address))
      )
  )
  return Result.isSuccess(parsed)
    ? unmapped(parsed.success)
    : reject(option, input, "networks such as \"10.0.0.0/8\", with no bits set behind the prefix, or addresses")
}

// Peers are matched by the IPv4 address that theirs maps, so networks must be too.
const unmapped = (network: IpNetwork.IpNetwork): IpNetwork.IpNetwork =>
  IpNetwork.isIpv6Network(network)
    ? Option.match(NetAddress.fromIpv4Mapped(network.address), {
      onNone: () => network,
      onSome: (address) => IpNetwork.makeUnsafe(address, network.prefixLength - 96)
    })
    : network
