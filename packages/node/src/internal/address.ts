import * as NetAddress from "effect/net/NetAddress"
import * as Os from "node:os"

const interfaceScopes = (): ReadonlyMap<string, number> =>
  NetAddress.scopeIdsFromInterfaces(Object.entries(Os.networkInterfaces()))

/** Parses an address of Node: an IP address, with the name of a zone if it is link-local, and a port. */
export const fromNode = (host: string, port: number): NetAddress.InetAddress =>
  host.includes("%")
    ? NetAddress.inetAddressFromNativeUnsafe(host, port, interfaceScopes())
    : NetAddress.inetAddressFromNativeUnsafe(host, port)

/** Formats the IP address for Node. */
export const toNode = (address: NetAddress.InetAddress): string =>
  NetAddress.isInetAddressV6(address) && address.scopeId !== 0
    ? NetAddress.formatNativeHost(address, interfaceScopes())
    : NetAddress.formatIp(address.address)

/** The multicast interface in the form that Node takes: the zone of an IPv6 one by name. */
export const multicastInterface = (at: string): string => {
  const [, index] = /%(\d+)$/.exec(at) ?? []
  return index === undefined
    ? at
    : NetAddress.formatMulticastInterface(Number(index), interfaceScopes(), process.platform)
}

let locals: { readonly addresses: ReadonlySet<string>; readonly until: number } | undefined

/** Whether an IP address is one of this machine's. Listing the interfaces is slow: the list is kept for a second. */
export const isLocal = (host: string): boolean => {
  const address = host.replace(/^::ffff:(?=\d+\.)/, "")
  if (address.startsWith("127.")) return true
  const now = performance.now()
  if (locals === undefined || now >= locals.until) {
    const addresses = Object.values(Os.networkInterfaces()).flatMap((each = []) => each.map((one) => one.address))
    locals = { addresses: new Set(addresses), until: now + 1000 }
  }
  return locals.addresses.has(address.replace(/%.*$/, ""))
}

/** Whether an interface of this machine has an IPv6 address. */
export const hasIpv6 = (): boolean =>
  Object.values(Os.networkInterfaces()).some((each) => each?.some(({ family }) => family === "IPv6"))

/** A stream's address as errors show it: `tcp://127.0.0.1:80`, `unix:///run/app.sock`. */
export const describe = (address: NetAddress.SocketAddress): string =>
  NetAddress.isUnixPathAddress(address) ? NetAddress.formatUnixPath(address) : `tcp://${NetAddress.formatInet(address)}`
