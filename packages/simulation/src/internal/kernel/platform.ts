import * as NetworkError from "@sluice/core/NetworkError"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import type * as Trace from "../../Trace.ts"
import type { HostState } from "./host.ts"
import type { BindTable } from "./ports.ts"
import type { Process } from "./process.ts"
import { fromInetAddress, isMulticast, isWildcard, toSocketAddress, unixSocket } from "./socketAddress.ts"
import { systemError } from "./systemError.ts"
import { TcpListener } from "./tcp/listener.ts"
import { type Submit, TcpStream } from "./tcp/stream.ts"
import { secure } from "./tls/context.ts"
import { UdpEndpoint } from "./udp/socket.ts"

/** Who opens sockets: a process of a host; or, without one, a program outside of all hosts that uses the host's network. */
interface Opener {
  readonly host: HostState
  readonly submit: Submit
  readonly isDown: () => boolean
}

/** A host as a platform: what `Transport.makeNetwork` builds on. */
export const makePlatform = (host: HostState, process: Process | undefined): Transport.Platform => {
  const opener: Opener = {
    host,
    submit: process === undefined ? (task) => host.engine.submit(task) : process.gate.submit,
    isDown: () => !host.isPowered || process?.gate.isDead === true
  }
  return {
    resolver: AddressResolver.make(Dns.make({
      lookup: (name) => host.names.lookup(name),
      reverse: (address) => Effect.sync(() => host.world.reverse(NetAddress.formatIp(address)))
    })),
    connect: (address, options) => connect(opener, address, options),
    listen: (address, options, receiver) => Effect.suspend(() => listen(opener, address, options, receiver)),
    bind: (address, options, receiver) => Effect.suspend(() => bind(opener, address, options, receiver)),
    secure: (settings, address) => secure(host, opener.submit, settings, address)
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Connecting
// ---------------------------------------------------------------------------------------------------------------------

const connect = (
  opener: Opener,
  address: NetAddress.SocketAddress,
  options: Transport.ConnectSettings
): Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const { host, submit } = opener
    const where = format("tcp", address)
    const { localAddress, localPort } = options
    const isHere = localAddress === undefined || isWildcard(localAddress) || host.owns(localAddress)
    const fail = (code: string) =>
      resume(Effect.fail(systemError("connect", where, code, "connect", isHere && !localPort)))
    if (opener.isDown()) return fail("ENETDOWN")
    if (!host.descriptors.isFree) return fail("EMFILE")
    const ends = NetAddress.isUnixPathAddress(address)
      ? unixEnds(host, address.path)
      : inetEnds(host, fromInetAddress(address), options)
    if (typeof ends === "string") return fail(ends)
    const stream: TcpStream = new TcpStream(host.tcp, submit, {
      ...ends,
      noDelay: options.noDelay,
      keepAlive: options.keepAlive,
      reuseAddress: options.localAddress !== undefined || Boolean(options.localPort)
    }, {
      onOpen: () => submit(() => resume(Effect.succeed(stream))),
      onFailed: (breakage) => submit(() => fail(breakage))
    })
    host.descriptors.open(stream)
    stream.endpoint.connect()
    return Effect.sync(() => stream.destroy())
  })

type Ends = { readonly local: Trace.Socket; readonly remote: Trace.Socket }

const inetEnds = (host: HostState, wanted: Trace.Socket, options: Transport.ConnectSettings): Ends | string => {
  // To connect to no address in particular is to connect to oneself (connect(2), on Linux).
  const remote = isWildcard(wanted.address)
    ? { address: wanted.address === "::" ? "::1" : "127.0.0.1", port: wanted.port }
    : wanted
  if (isMulticast(remote.address)) return "ENETUNREACH"
  if (options.localAddress !== undefined && !isWildcard(options.localAddress) && !host.owns(options.localAddress)) {
    return "EADDRNOTAVAIL"
  }
  const address = options.localAddress === undefined || isWildcard(options.localAddress)
    ? host.sourceFor(remote.address)
    : options.localAddress
  if (address === undefined) return "ENETUNREACH"
  if (address.includes(":") !== remote.address.includes(":")) return "EINVAL"
  if (options.localPort) {
    const bound = { address: options.localAddress ?? wildcardOf(address), port: options.localPort }
    if (host.tcp.isInUse(bound) || host.tcp.listeners.isTaken({ ...bound, ...unshared })) return "EADDRINUSE"
    const local = { address, port: options.localPort }
    return host.tcp.claim(local, remote) ? { local, remote } : "EADDRNOTAVAIL"
  }
  const port = host.tcp.portTo(address, remote)
  return port === undefined ? "EADDRNOTAVAIL" : { local: { address, port }, remote }
}

const wildcardOf = (address: string): string => address.includes(":") ? "::" : "0.0.0.0"

const unshared = { ipv6Only: false, reusePort: false }

const unixEnds = (host: HostState, path: string): Ends | string => {
  if (path.length > pathLimit) return "ENAMETOOLONG"
  if (!host.unix.isTaken(path)) return "ENOENT"
  // The client of a Unix-domain socket has no path of its own, but a number that tells it apart.
  return { local: unixSocket("", host.unix.nextPort()), remote: unixSocket(path, 0) }
}

// The length of `sun_path`, less the NUL at its end (unix(7)).
const pathLimit = 107

const format = (scheme: string, address: NetAddress.SocketAddress): string =>
  NetAddress.isUnixPathAddress(address)
    ? NetAddress.formatUnixPath(address)
    : `${scheme}://${NetAddress.formatInet(address)}`

// ---------------------------------------------------------------------------------------------------------------------
// Listening
// ---------------------------------------------------------------------------------------------------------------------

const listen = (
  opener: Opener,
  address: NetAddress.SocketAddress,
  options: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver
): Effect.Effect<Transport.ListenerTransport, NetworkError.NetworkError> => {
  const { host } = opener
  const where = format("tcp", address)
  const anyPort = !NetAddress.isUnixPathAddress(address) && address.port === 0
  const fail = (code: string) => Effect.fail(systemError("listen", where, code, "listen", anyPort))
  if (opener.isDown()) return fail("ENETDOWN")
  if (!host.descriptors.isFree) return fail("EMFILE")
  if (NetAddress.isUnixPathAddress(address)) {
    const { path } = address
    if (path.length > pathLimit) {
      return Effect.fail(NetworkError.make("listen", where, new NetworkError.PathTooLong({ limit: pathLimit })))
    }
    if (host.unix.isTaken(path)) return fail("EADDRINUSE")
    host.unix.listen(path)
    return listening(opener, unixSocket(path, 0), options, receiver, () => host.unix.unlisten(path))
  }
  const wanted = fromInetAddress(address)
  const { tcp } = host
  const bound = wanted.port !== 0 && tcp.isInUse(wanted)
    ? "EADDRINUSE"
    : boundTo(
      host,
      wanted,
      options,
      tcp.listeners,
      false,
      wanted.port === 0 ? tcp.portsInUse(wanted.address) : undefined
    )
  host.isServer = true
  return typeof bound === "string" ? fail(bound) : listening(opener, bound, options, receiver, () => {})
}

const listening = (
  { host, submit }: Opener,
  bound: Trace.Socket,
  options: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  onClose: () => void
): Effect.Effect<Transport.ListenerTransport> => {
  const listener = new TcpListener(host.tcp, submit, bound, options, receiver)
  host.tcp.listeners.bind(listener)
  host.descriptors.open(listener)
  return Effect.succeed({
    address: toSocketAddress(bound),
    close: Effect.sync(() => {
      listener.close()
      host.descriptors.close(listener)
      onClose()
    })
  })
}

/** The address to bind, with a port, or what is in the way. */
const boundTo = (
  host: HostState,
  wanted: Trace.Socket,
  options: { readonly ipv6Only: boolean; readonly reusePort: boolean },
  table: BindTable<TcpListener> | BindTable<UdpEndpoint>,
  takesGroups: boolean,
  inUse?: ReadonlySet<number>
): Trace.Socket | string => {
  const { address } = wanted
  const isHere = isWildcard(address) || host.owns(address) || (takesGroups && isMulticast(address))
  if (!isHere) return "EADDRNOTAVAIL"
  const { ipv6Only, reusePort } = options
  if (wanted.port !== 0) return table.isTaken({ ...wanted, ipv6Only, reusePort }) ? "EADDRINUSE" : wanted
  const port = table.portFor({ address, ipv6Only, reusePort: false }, inUse)
  return port === undefined ? "EADDRINUSE" : { address, port }
}

// ---------------------------------------------------------------------------------------------------------------------
// Binding
// ---------------------------------------------------------------------------------------------------------------------

const bind = (
  opener: Opener,
  address: NetAddress.InetAddress,
  options: Transport.BindSettings,
  receiver: Transport.DatagramReceiver
): Effect.Effect<Transport.DatagramTransport, NetworkError.NetworkError> => {
  const { host, submit } = opener
  const fail = (code: string) =>
    Effect.fail(systemError("bind", format("udp", address), code, "bind", address.port === 0))
  if (opener.isDown()) return fail("ENETDOWN")
  if (!host.descriptors.isFree) return fail("EMFILE")
  const reusePort = options.reusePort || options.reuseAddress
  const bound = boundTo(
    host,
    fromInetAddress(address),
    { ipv6Only: options.ipv6Only, reusePort },
    host.udp.sockets,
    true
  )
  if (typeof bound === "string") return fail(bound)
  host.isServer ||= address.port !== 0
  const peer = options.peer === undefined ? undefined : fromInetAddress(options.peer)
  if (peer !== undefined && host.sourceFor(peer.address) === undefined) return fail("ENETUNREACH")
  const at = options.multicastInterface
  if (at !== undefined && !at.includes(":") && !isWildcard(at) && !host.owns(at)) return fail("EADDRNOTAVAIL")
  const socket = new UdpEndpoint(host.udp, submit, bound, options, receiver)
  host.descriptors.open(socket)
  host.udp.sockets.bind(socket)
  return Effect.succeed(socket)
}
