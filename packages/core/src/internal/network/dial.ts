import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Schedule from "effect/Schedule"
import * as Endpoint from "../../Endpoint.ts"
import type * as Network from "../../Network.ts"
import * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import type { Shared } from "../accept/listener.ts"
import * as connection from "../connection/state.ts"
import type { Traffic } from "../connection/traffic.ts"
import { sendHeader } from "../proxy/sendHeader.ts"
import { serverNameOf } from "../tls/serverName.ts"
import { firstToConnect, interleave } from "./happyEyeballs.ts"
import { checkConnect, checkTls } from "./options.ts"
import { resolve, streamEndpoint } from "./resolve.ts"

/** `Network.connect` on a platform. */
export const dial = (
  platform: Transport.Platform,
  traffic: Traffic,
  shared: Shared
): Network.Network["Service"]["connect"] =>
  Effect.fnUntraced(function*(input, options = {}) {
    const endpoint = yield* streamEndpoint("connect", input)
    const where = Endpoint.format(endpoint)
    const checked = yield* Effect.fromResult(checkConnect(options, where))
    yield* Effect.fromResult(checkTls(endpoint, options, "connect", where))
    const secure = endpoint._tag === "Tls" ? yield* shared.security.context(checked.tls, { address: where }) : undefined
    const dialledHost = endpoint._tag === "Unix" ? undefined : Host.formatHost(endpoint.host)
    const scope = yield* Effect.scope
    const opened: Array<Transport.StreamTransport> = []
    let deadline: NetworkError.TimedOut["deadline"] = "connect"
    const attempts = Effect.gen(function*() {
      const addresses = yield* ofFamily(yield* resolve(platform, endpoint), checked.localAddress, where)
      const transport = yield* firstToConnect(
        where,
        interleave(addresses),
        checked.attemptDelay,
        opened,
        (address) => connectOnce(platform, address, checked)
      )
      const announced = yield* sendHeader(transport, checked.proxyHeader)
      if (secure === undefined) return { transport: announced, winner: transport }
      deadline = "handshake"
      const serverName = serverNameOf(checked.tls, dialledHost)
      return { transport: yield* secure.handshake(announced, { address: where, serverName }), winner: transport }
    }).pipe(
      Effect.timeoutOrElse({
        duration: Duration.millis(checked.connectTimeout),
        orElse: () => {
          const reason = new NetworkError.TimedOut({ deadline, after: checked.connectTimeout })
          return Effect.fail(NetworkError.make("connect", where, reason))
        }
      })
    )
    return yield* Effect.uninterruptibleMask((restore) =>
      restore(attempts).pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            for (const transport of opened) {
              if (Exit.isSuccess(exit) && exit.value.winner === transport) continue
              // Once TLS has begun, a connection must not end with a FIN in the clear.
              if (secure === undefined) transport.destroy()
              else transport.reset()
            }
          })
        ),
        Effect.flatMap(({ transport }) =>
          connection.scoped(
            transport,
            { closeTimeout: checked.closeTimeout, traffic, ...shared, role: "client", dialled: dialledHost },
            scope
          )
        )
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
