import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as AcceptPolicy from "../../AcceptPolicy.ts"
import * as Endpoint from "../../Endpoint.ts"
import type * as Network from "../../Network.ts"
import * as NetworkError from "../../NetworkError.ts"
import { checked as checkedOptions, reject } from "../../Options.ts"
import * as SocketOptions from "../../SocketOptions.ts"
import type * as Tls from "../../Tls.ts"
import type * as Transport from "../../Transport.ts"
import { Gate } from "../accept/accessControl.ts"
import { Admission, type Step } from "../accept/handshakePhase.ts"
import { ListenerState } from "../accept/listener.ts"
import { formatPeer } from "../connection/peerAddress.ts"
import * as connection from "../connection/state.ts"
import { makeTraffic } from "../connection/traffic.ts"
import { readHeader } from "../proxy/readHeader.ts"
import { sendHeader } from "../proxy/sendHeader.ts"
import { Security } from "../tls/contextCache.ts"
import { serverNameOf } from "../tls/options.ts"
import { UdpSocketState } from "../udp/udpSocket.ts"
import { firstToConnect, interleave } from "./happyEyeballs.ts"
import * as metrics from "./metrics.ts"

/** What all platforms have in common between an endpoint and an open socket. */
export const make = Effect.fnUntraced(function*(platform: Transport.Platform) {
  const dialled = makeTraffic()
  yield* metrics.dialling(dialled)
  const security = new Security(platform)

  const connect: Network.Network["Service"]["connect"] = Effect.fnUntraced(function*(input, options = {}) {
    const endpoint = yield* streamEndpoint("connect", input)
    const where = Endpoint.format(endpoint)
    const checked = yield* Effect.fromResult(SocketOptions.checkConnect(options, where))
    yield* checkTls(endpoint, options.tls, "connect", where)
    const secure = endpoint._tag === "Tls" ? yield* security.context(checked.tls, where) : undefined
    const dialledHost = endpoint._tag === "Unix" ? undefined : Host.formatHost(endpoint.host)
    const scope = yield* Effect.scope
    const opened: Array<Transport.StreamTransport> = []
    let deadline: NetworkError.TimedOut["deadline"] = "connect"
    const attempts = Effect.gen(function*() {
      const addresses = yield* resolve(platform, endpoint)
      const transport = yield* firstToConnect(
        interleave(addresses),
        checked.attemptDelay,
        opened,
        (address) => platform.connect(address, checked)
      )
      const announced = yield* sendHeader(transport, checked.proxyHeader)
      if (secure === undefined) return { transport: announced, winner: transport }
      deadline = "handshake"
      const serverName = serverNameOf(checked.tls, dialledHost)
      return { transport: yield* secure.handshake(announced, { address: where, serverName }), winner: transport }
    }).pipe(
      Effect.timeoutOrElse({
        duration: Duration.millis(checked.connectTimeout),
        orElse: () => Effect.fail(timedOut(where, deadline, checked.connectTimeout))
      })
    )
    return yield* Effect.uninterruptibleMask((restore) =>
      restore(attempts).pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            for (const transport of opened) {
              if (Exit.isSuccess(exit) && exit.value.winner === transport) continue
              // What is over TLS by now does not end in the clear.
              if (secure === undefined) transport.destroy()
              else transport.reset()
            }
          })
        ),
        Effect.flatMap(({ transport }) =>
          connection.scoped(
            transport,
            { closeTimeout: checked.closeTimeout, traffic: dialled, security, role: "client", dialled: dialledHost },
            scope
          )
        )
      )
    )
  })

  const listen: Network.Network["Service"]["listen"] = Effect.fnUntraced(function*(input, options = {}) {
    const endpoint = yield* streamEndpoint("listen", input)
    const where = Endpoint.format(endpoint)
    const checked = yield* Effect.fromResult(SocketOptions.checkListen(options, where))
    const acceptPolicy = yield* Effect.fromResult(AcceptPolicy.check(options, "listen", where))
    const [address] = yield* resolve(platform, endpoint)
    yield* checkTls(endpoint, options.tls, "listen", where)
    const steps: Array<Step> = []
    if (checked.proxyProtocol !== undefined) steps.push(readHeader(checked.proxyProtocol))
    const { tls } = checked
    if (tls !== undefined) {
      yield* tls.use((settings) => security.context(settings, where))
      steps.push((transport) => security.handshake(tls.current, transport, peerOf(transport)))
    }
    const admissionTimeout = checked.handshakeTimeout + (checked.proxyProtocol?.timeout ?? 0)
    const gate = new Gate(acceptPolicy, yield* Clock.Clock)
    const admission = new Admission(steps, admissionTimeout, yield* Effect.context<never>())
    const listener = new ListenerState(where, checked, gate, security, admission)
    yield* Effect.acquireRelease(
      Effect.map(platform.listen(address, checked, listener), (transport) => listener.open(transport)),
      () => listener.close
    )
    yield* metrics.listening(listener)
    return listener
  })

  const bind: Network.Network["Service"]["bind"] = Effect.fnUntraced(function*(input, options = {}) {
    const endpoint = yield* datagramEndpoint(input)
    const where = Endpoint.format(endpoint)
    const [address] = yield* resolveInet(platform, endpoint)
    const peers = options.peer === undefined
      ? []
      : yield* resolveInet(platform, yield* datagramEndpoint(options.peer))
    // A name may have addresses of both families, and the socket is of one.
    const peer = peers.find(({ _tag }) => _tag === address._tag) ?? peers[0]
    const checked = yield* Effect.fromResult(SocketOptions.checkBind(options, peer, where))
    const socket = new UdpSocketState(where, checked)
    yield* Effect.acquireRelease(
      Effect.map(platform.bind(address, checked, socket), (transport) => socket.open(transport)),
      () => socket.close
    )
    yield* metrics.bound(socket)
    return socket
  })

  return { connect, listen, bind }
})

// The name of a peer is put together for an error that names it.
const peerOf = (transport: Transport.StreamTransport): Transport.HandshakePeer => ({
  get address() {
    return formatPeer(transport)
  }
})

const timedOut = (where: string, deadline: NetworkError.TimedOut["deadline"], after: number) =>
  NetworkError.make("connect", where, new NetworkError.TimedOut({ deadline, after }))

/** An endpoint as it was meant, for errors. */
export const endpointText = (input: Endpoint.Input): string =>
  typeof input === "string" ? input : Endpoint.format(input)

const streamEndpoint = (operation: NetworkError.Operation, input: Endpoint.Input) =>
  Effect.flatMap(
    Effect.fromResult(Endpoint.fromInput(input)),
    (endpoint) =>
      endpoint._tag === "Udp"
        ? Effect.fail(
          wrongScheme(operation, endpointText(input), "tcp://, tls:// or unix://; udp:// is for Network.bind")
        )
        : Effect.succeed(endpoint)
  )

// An option that would be ignored is worse than none: somebody relies on it.
const checkTls = (
  endpoint: Endpoint.StreamEndpoint,
  tls: Tls.ClientOptions | Tls.ServerOptions | Tls.Reloading | undefined,
  operation: "connect" | "listen",
  where: string
) =>
  Effect.fromResult(checkedOptions(operation, where, () => {
    if (endpoint._tag !== "Tls" && tls !== undefined) reject("tls", "there", "an endpoint that begins with tls://")
    if (endpoint._tag === "Tls" && tls === undefined && operation === "listen") {
      reject("tls", undefined, "the certificates to show, as in { certificates: [{ chain, key }] }")
    }
  }))

const datagramEndpoint = (input: Endpoint.Input) =>
  Effect.flatMap(
    Effect.fromResult(Endpoint.fromInput(input)),
    (endpoint) =>
      endpoint._tag === "Udp"
        ? Effect.succeed(endpoint)
        : Effect.fail(wrongScheme("bind", endpointText(input), "udp://, as in udp://127.0.0.1:5353"))
  )

const wrongScheme = (operation: NetworkError.Operation, input: string, expected: string) =>
  NetworkError.make(operation, input, new NetworkError.InvalidEndpoint({ input, part: "scheme", expected }))

const resolve = (
  platform: Transport.Platform,
  endpoint: Endpoint.StreamEndpoint
): Effect.Effect<readonly [NetAddress.SocketAddress, ...Array<NetAddress.SocketAddress>], NetworkError.NetworkError> =>
  endpoint._tag === "Unix"
    ? Effect.succeed([NetAddress.unixPathAddress(endpoint.path)])
    : resolveInet(platform, endpoint)

const resolveInet = (platform: Transport.Platform, endpoint: Exclude<Endpoint.Endpoint, Endpoint.Unix>) =>
  Effect.mapError(
    platform.resolver.resolve(Host.hostPortUnsafe(endpoint.host, endpoint.port)),
    (cause) =>
      new NetworkError.NetworkError({
        operation: "resolve",
        address: Endpoint.format(endpoint),
        reason: cause._tag === "DnsError"
          ? new NetworkError.HostNotFound({ host: Host.formatHost(endpoint.host) })
          : new NetworkError.Other({ message: cause.message }),
        cause
      })
  )
