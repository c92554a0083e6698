import * as NetAddress from "effect/net/NetAddress"
import * as Os from "node:os"

const interfaceScopes = (): ReadonlyMap<string, number> =>
  NetAddress.scopeIdsFromInterfaces(Object.entries(Os.networkInterfaces()))

/** Reads an address as Node gives it: an IP address, with the name of a zone if it is link-local, and a port. */
export const fromNode = (host: string, port: number): NetAddress.InetAddress =>
  host.includes("%")
    ? NetAddress.inetAddressFromNativeUnsafe(host, port, interfaceScopes())
    : NetAddress.inetAddressFromNativeUnsafe(host, port)

/** Writes the IP address as Node takes it. */
export const toNode = (address: NetAddress.InetAddress): string =>
  NetAddress.isInetAddressV6(address) && address.scopeId !== 0
    ? NetAddress.formatNativeHost(address, interfaceScopes())
    : NetAddress.formatIp(address.address)

/** A stream's address as errors name it: `tcp://127.0.0.1:80`, `unix:///run/app.sock`. */
export const describe = (address: NetAddress.SocketAddress): string =>
  NetAddress.isUnixPathAddress(address) ? NetAddress.formatUnixPath(address) : `tcp://${NetAddress.formatInet(address)}`
