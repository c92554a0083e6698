import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Schedule from "effect/Schedule"
import * as Endpoint from "../../Endpoint.ts"
import * as NetworkError from "../../NetworkError.ts"
import type { ConnectOptions } from "../../SocketOptions.ts"
import type * as Transport from "../../Transport.ts"
import type { Shared } from "../accept/listener.ts"
import * as connection from "../connection/state.ts"
import type { Traffic } from "../connection/traffic.ts"
import { sendHeader } from "../proxy/sendHeader.ts"
import type { Timeouts } from "../time/timeouts.ts"
import { serverNameOf } from "../tls/serverName.ts"
import { firstToConnect, interleave } from "./happyEyeballs.ts"
import { checkConnect, checkTls } from "./options.ts"
import { resolve, streamEndpoint } from "./resolve.ts"

/**
 * What the sockets of a network share. It is passed on, because V8 keeps what a generator function closes over until it
 * collects its old space.
 */
export interface Parts {
  readonly platform: Transport.Platform
  readonly shared: Shared
  readonly timeouts: Timeouts
  readonly traffic: Traffic
}

/** `Network.connect` on a platform. */
export const dial = Effect.fnUntraced(function*(parts: Parts, input: Endpoint.Input, options: ConnectOptions) {
  const { platform, shared, timeouts, traffic } = parts
  const endpoint = yield* streamEndpoint("connect", input)
  const where = Endpoint.format(endpoint)
  const checked = yield* Effect.fromResult(checkConnect(options, where))
  yield* Effect.fromResult(checkTls(endpoint, options, "connect", where))
  const secure = endpoint._tag === "Tls" ? yield* shared.security.context(checked.tls, { address: where }) : undefined
  const dialledHost = endpoint._tag === "Unix" ? undefined : Host.formatHost(endpoint.host)
  const scope = yield* Effect.scope
  const opened: Array<Transport.StreamTransport> = []
  let winner: Transport.StreamTransport | undefined = undefined
  let deadline: NetworkError.TimedOut["deadline"] = "connect"
  const handshake = (announced: Transport.StreamTransport) => {
    if (secure === undefined) return Effect.succeed(announced)
    deadline = "handshake"
    return secure.handshake(announced, { address: where, serverName: serverNameOf(checked.tls, dialledHost) })
  }
  const attempt = (address: NetAddress.SocketAddress) => connectOnce(platform, address, checked)
  const attempts = resolve(platform, endpoint).pipe(
    Effect.flatMap((addresses) => ofFamily(addresses, checked.localAddress, where)),
    Effect.flatMap((addresses) => firstToConnect(where, interleave(addresses), checked.attemptDelay, opened, attempt)),
    Effect.flatMap((transport) => {
      winner = transport
      return Effect.flatMap(sendHeader(transport, checked.proxyHeader), handshake)
    })
  )
  const inTime = timeouts.limit(attempts, checked.connectTimeout, () => {
    const reason = new NetworkError.TimedOut({ deadline, after: checked.connectTimeout })
    return NetworkError.make("connect", where, reason)
  })
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.exit(restore(inTime)),
      (exit): Effect.Effect<connection.ConnectionState, NetworkError.NetworkError> => {
        for (const transport of opened) {
          if (Exit.isSuccess(exit) && winner === transport) continue
          // Once TLS has begun, a connection must not end with a FIN in the clear.
          if (secure === undefined) transport.destroy()
          else transport.reset()
        }
        return Exit.isFailure(exit) ? Effect.failCause(exit.cause) : connection.scoped(
          exit.value,
          { closeTimeout: checked.closeTimeout, traffic, ...shared, role: "client", dialled: dialledHost },
          scope
        )
      }
    )
  )
})

type Addresses = readonly [NetAddress.SocketAddress, ...Array<NetAddress.SocketAddress>]

/** The addresses that can be reached from a local address. */
const ofFamily = (
  addresses: Addresses,
  localAddress: string | undefined,
  where: string
): Effect.Effect<Addresses, NetworkError.NetworkError> => {
  if (localAddress === undefined || NetAddress.isUnixPathAddress(addresses[0])) return Effect.succeed(addresses)
  const family = localAddress.includes(":") ? "InetAddressV6" : "InetAddressV4"
  const [first, ...others] = addresses.filter(({ _tag }) => _tag === family)
  if (first !== undefined) return Effect.succeed([first, ...others])
  const reason = new NetworkError.AddressFamilyMismatch({
    socket: family === "InetAddressV6" ? "IPv6" : "IPv4",
    address: NetAddress.formatSocketAddress(addresses[0])
  })
  return Effect.fail(NetworkError.make("connect", where, reason))
}

/** One attempt at one address. The kernel makes TCP clients wait for a full backlog; here Unix-domain ones wait too. */
const connectOnce = (
  platform: Transport.Platform,
  address: NetAddress.SocketAddress,
  settings: Transport.ConnectSettings
): Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError> => {
  const attempt = Effect.flatMap(
    platform.connect(address, settings),
    (transport) => refuseSelf(address, transport, settings)
  )
  return NetAddress.isUnixPathAddress(address)
    ? Effect.retry(attempt, { schedule: backoff, while: ({ reason }) => reason._tag === "BacklogFull" })
    : attempt
}

const backoff = Schedule.min([Schedule.exponential("5 millis"), Schedule.spaced("100 millis")])

/**
 * Refuses a connection of a socket with itself: a port in the ephemeral range that no server listens on can be chosen as
 * the source port of a connection to it, and TCP then connects the socket to itself (RFC 9293, section 3.5, simultaneous
 * open). It would answer itself, and hold the port of the server.
 */
const refuseSelf = (
  address: NetAddress.SocketAddress,
  transport: Transport.StreamTransport,
  { localPort }: Transport.ConnectSettings
): Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError> => {
  if (NetAddress.isUnixPathAddress(address) || localPort || !isSelf(transport, address.port)) {
    return Effect.succeed(transport)
  }
  transport.reset()
  return Effect.fail(
    NetworkError.make(
      "connect",
      `tcp://${NetAddress.formatInet(address)}`,
      new NetworkError.ConnectionRefused()
    )
  )
}

// The remote address is parsed only where the ports are the same.
const isSelf = (transport: Transport.StreamTransport, port: number): boolean => {
  const { localAddress } = transport
  return !NetAddress.isUnixPathAddress(localAddress) && localAddress.port === port &&
    NetAddress.formatSocketAddress(localAddress) === NetAddress.formatSocketAddress(transport.remoteAddress)
}
