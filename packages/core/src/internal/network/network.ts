import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Endpoint from "../../Endpoint.ts"
import type * as Network from "../../Network.ts"
import * as NetworkError from "../../NetworkError.ts"
import type { BindOptions, ListenOptions } from "../../SocketOptions.ts"
import type * as Transport from "../../Transport.ts"
import { checkAcceptPolicy } from "../accept/acceptPolicy.ts"
import { AccessControl } from "../accept/accessControl.ts"
import { HandshakePhase, type Step } from "../accept/handshakePhase.ts"
import { ListenerState } from "../accept/listener.ts"
import { listening } from "../accept/metrics.ts"
import { formatPeer } from "../address/peerAddress.ts"
import { BufferBudget, CurrentBufferBudget } from "../budget/bufferBudget.ts"
import { dialling } from "../connection/metrics.ts"
import { makeTraffic } from "../connection/traffic.ts"
import { CurrentNumbers } from "../naming/numbers.ts"
import { readHeader } from "../proxy/readHeader.ts"
import { Timeouts } from "../time/timeouts.ts"
import { ContextCache } from "../tls/contextCache.ts"
import { reaches } from "../udp/family.ts"
import { bound } from "../udp/metrics.ts"
import { checkBind, checkInterface } from "../udp/options.ts"
import { UdpSocketState } from "../udp/udpSocket.ts"
import { dial, type Parts } from "./dial.ts"
import { checkListen, checkTls } from "./options.ts"
import { datagramEndpoint, listenEndpoint, resolve, resolveInet } from "./resolve.ts"

const platformKey = Symbol("platform")

/** The platform that a network was made of. */
export const platformOf = (network: Network.Network["Service"] & { readonly [platformKey]?: Transport.Platform }) =>
  network[platformKey]

/** What all platforms share between an endpoint and an open socket. */
export const make = Effect.fnUntraced(function*(platform: Transport.Platform) {
  const traffic = makeTraffic()
  yield* dialling(traffic)
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const budget = new BufferBudget(yield* CurrentBufferBudget, clock, Effect.runForkWith(context))
  const shared = { security: new ContextCache(platform), budget, numbers: yield* CurrentNumbers }
  const parts: Parts = { platform, shared, timeouts: new Timeouts(clock, context), traffic }
  const network: Network.Network["Service"] = {
    connect: (input, options) => Effect.suspend(() => dial(parts, input, options)),
    listen: (input, options = {}) => listen(parts, input, options),
    bind: (input, options = {}) => bind(parts, input, options)
  }
  return Object.defineProperty(network, platformKey, { value: platform })
})

/** `Network.listen` on a platform. */
const listen = Effect.fnUntraced(function*(parts: Parts, input: Endpoint.Input, options: ListenOptions) {
  const { platform, shared, shared: { security } } = parts
  const endpoint = yield* Effect.fromResult(listenEndpoint(input))
  const where = Endpoint.format(endpoint)
  const checked = yield* Effect.fromResult(checkListen(options, where))
  const acceptPolicy = yield* Effect.fromResult(checkAcceptPolicy(options, "listen", where))
  yield* Effect.fromResult(checkTls(fallbackOf(endpoint) ?? endpoint, options, "listen", where))
  const steps: Array<Step> = []
  if (checked.proxyProtocol !== undefined) steps.push(readHeader(checked.proxyProtocol))
  const { tls, upgradeTls } = checked
  if (upgradeTls !== undefined) yield* upgradeTls.use((settings) => security.context(settings, { address: where }))
  if (tls !== undefined) {
    yield* tls.use((settings) => security.context(settings, { address: where }))
    steps.push((transport) => security.handshake(tls.current, transport, peerOf(transport)))
  }
  const timeout = checked.handshakeTimeout + (checked.proxyProtocol?.timeout ?? 0)
  const accessControl = new AccessControl(acceptPolicy, yield* Clock.Clock)
  const handshakes = new HandshakePhase(steps, timeout, yield* Effect.context<never>())
  const listener = new ListenerState(where, checked, accessControl, shared, handshakes)
  yield* Effect.acquireRelease(
    Effect.map(openListener(platform, endpoint, checked, listener), (transport) => listener.open(transport)),
    () => listener.close
  )
  yield* listening(listener)
  return listener
})

/** `Network.bind` on a platform. */
const bind = Effect.fnUntraced(function*({ platform }: Parts, input: Endpoint.Input, options: BindOptions) {
  const endpoint = yield* Effect.fromResult(datagramEndpoint(input))
  const where = Endpoint.format(endpoint)
  const checked = yield* Effect.fromResult(checkBind(options, where))
  const peerEndpoint = options.peer === undefined ? undefined : yield* Effect.fromResult(datagramEndpoint(options.peer))
  const [resolved] = yield* resolveInet(platform, endpoint)
  const address = NetAddress.toCanonical(resolved)
  yield* Effect.fromResult(checkInterface(options.multicastInterface, NetAddress.familyOf(address), where))
  const peers = peerEndpoint === undefined
    ? []
    : (yield* resolveInet(platform, peerEndpoint)).map((each) => NetAddress.toCanonical(each))
  // A name may have addresses of both families.
  const peer = peers.find(({ _tag }) => _tag === address._tag) ??
    peers.find((each) => reaches(address, checked.ipv6Only, each))
  if (peer === undefined && peers.length > 0) {
    const reason = new NetworkError.AddressFamilyMismatch({
      socket: NetAddress.familyOf(address),
      address: NetAddress.formatInet(peers[0]!)
    })
    return yield* Effect.fail(NetworkError.make("bind", where, reason))
  }
  const settings = { ...checked, peer }
  const socket = new UdpSocketState(where, settings)
  yield* Effect.acquireRelease(
    Effect.map(platform.bind(address, settings, socket), (transport) => socket.open(transport)),
    () => socket.close
  )
  yield* bound(socket)
  return socket
})

// The text of the peer is made when an error shows it.
const peerOf = (transport: Transport.StreamTransport): Transport.HandshakePeer => ({
  get address() {
    return formatPeer(transport)
  }
})

const fallbackOf = (endpoint: Endpoint.StreamEndpoint | Endpoint.Inherited) =>
  endpoint._tag === "Inherited" ? endpoint.fallback : undefined

/** Listens at an endpoint, or on an inherited socket. */
const openListener = (
  platform: Transport.Platform,
  endpoint: Endpoint.StreamEndpoint | Endpoint.Inherited,
  settings: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver
): Effect.Effect<Transport.ListenerTransport, NetworkError.NetworkError> => {
  if (endpoint._tag !== "Inherited") {
    return Effect.flatMap(resolve(platform, endpoint), ([address]) => platform.listen(address, settings, receiver))
  }
  const { fallback, socket } = endpoint
  const inherited = platform.inherit?.(socket, settings, receiver) ?? Effect.fail(
    NetworkError.make("listen", Endpoint.format(endpoint), new NetworkError.NoInheritedSocket({ found: [] }))
  )
  return fallback === undefined ? inherited : Effect.catchReason(
    inherited,
    "NetworkError",
    "NoInheritedSocket",
    () => openListener(platform, fallback, settings, receiver)
  )
}
