import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
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
import { firstToConnect } from "./happyEyeballs.ts"
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
  /** The last plan without options: programs connect to one endpoint again and again. */
  latest?: { readonly input: string; readonly plan: Plan }
}

/** `Network.connect` on a platform. */
export const dial = (parts: Parts, input: Endpoint.Input, options: ConnectOptions | undefined) => {
  if (options === undefined && input === parts.latest?.input) return connect(parts, parts.latest.plan)
  const planned = planOf(input, options ?? {})
  if (Result.isFailure(planned)) return Effect.fail(planned.failure)
  if (options === undefined && typeof input === "string") parts.latest = { input, plan: planned.success }
  return connect(parts, planned.success)
}

const connect = (parts: Parts, plan: Plan) => {
  if (plan.endpoint._tag !== "Tls") return open(parts, plan, undefined)
  const secure = parts.shared.security.context(plan.tls, { address: plan.where })
  return Effect.flatMap(secure, (context) => open(parts, plan, context))
}

const open = (parts: Parts, plan: Plan, secure: Transport.SecureContext | undefined) =>
  Effect.flatMap(Effect.scope, (scope) => {
    const { platform, shared, timeouts, traffic } = parts
    const { closeTimeout, connectTimeout: after, dialled, endpoint, localAddress, proxyHeader, where } = plan
    const opened: Array<Transport.StreamTransport> = []
    let winner: Transport.StreamTransport | undefined = undefined
    let deadline: NetworkError.TimedOut["deadline"] = "connect"
    const attempt = (address: NetAddress.SocketAddress) =>
      Effect.flatMap(connectOnce(platform, address, plan), (transport) => {
        opened.push(transport)
        return plan.localPort ? Effect.succeed(transport) : refuseSelf(address, transport)
      })
    const handshake = (announced: Transport.StreamTransport): Opening => {
      if (secure === undefined) return Effect.succeed(announced)
      deadline = "handshake"
      return secure.handshake(announced, { address: where, serverName: serverNameOf(plan.tls, dialled) })
    }
    const attempts = resolve(platform, endpoint).pipe(
      Effect.flatMap((addresses) => ofFamily(addresses, localAddress, where)),
      Effect.flatMap((addresses) => firstToConnect(where, addresses, plan.attemptDelay, attempt)),
      Effect.flatMap((transport) => {
        winner = transport
        if (proxyHeader === undefined) return handshake(transport)
        return Effect.flatMap(sendHeader(transport, proxyHeader), handshake)
      })
    )
    const onTimeout = () => NetworkError.make("connect", where, new NetworkError.TimedOut({ deadline, after }))
    const inTime = timeouts.limit(attempts, after, onTimeout)
    // What has connected belongs to nobody until it is a connection of the scope: an interruption waits for that.
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.exit(restore(inTime)), (exit) => {
        for (const transport of opened) {
          if (Exit.isSuccess(exit) && winner === transport) continue
          // Once TLS has begun, a connection must not end with a FIN in the clear.
          if (secure === undefined) transport.destroy()
          else transport.reset()
        }
        if (Exit.isFailure(exit)) return Effect.failCause(exit.cause)
        return connection.scoped(exit.value, { closeTimeout, traffic, ...shared, role: "client", dialled }, scope)
      })
    )
  })

const planOf = (input: Endpoint.Input, options: ConnectOptions) =>
  Result.gen(function*() {
    const endpoint = yield* streamEndpoint("connect", input)
    const where = Endpoint.format(endpoint)
    const checked = yield* checkConnect(options, where)
    yield* checkTls(endpoint, options, "connect", where)
    const dialled = endpoint._tag === "Unix" ? undefined : Host.formatHost(endpoint.host)
    return { ...checked, endpoint, where, dialled }
  })

/** What to connect to, and how. */
type Plan = Result.Result.Success<ReturnType<typeof planOf>>

type Opening = Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError>

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
): Opening => {
  const connecting = platform.connect(address, settings)
  return NetAddress.isUnixPathAddress(address)
    ? Effect.retry(connecting, { schedule: backoff, while: ({ reason }) => reason._tag === "BacklogFull" })
    : connecting
}

const backoff = Schedule.min([Schedule.exponential("5 millis"), Schedule.spaced("100 millis")])

/**
 * Refuses a connection of a socket with itself: a port in the ephemeral range that no server listens on can be chosen as
 * the source port of a connection to it, and TCP then connects the socket to itself (RFC 9293, section 3.5, simultaneous
 * open). It would answer itself, and hold the port of the server.
 */
const refuseSelf = (address: NetAddress.SocketAddress, transport: Transport.StreamTransport): Opening => {
  if (NetAddress.isUnixPathAddress(address)) return Effect.succeed(transport)
  const { localAddress: local } = transport
  // The remote address is parsed only where the ports are the same.
  const isSelf = !NetAddress.isUnixPathAddress(local) && local.port === address.port &&
    NetAddress.formatSocketAddress(local) === NetAddress.formatSocketAddress(transport.remoteAddress)
  if (!isSelf) return Effect.succeed(transport)
  transport.reset()
  const refused = new NetworkError.ConnectionRefused()
  return Effect.fail(NetworkError.make("connect", `tcp://${NetAddress.formatInet(address)}`, refused))
}
