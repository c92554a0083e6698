import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Host from "effect/net/Host"
import * as NetAddress from "effect/net/NetAddress"
import * as AcceptPolicy from "../AcceptPolicy.ts"
import * as Endpoint from "../Endpoint.ts"
import type * as Network from "../Network.ts"
import * as NetworkError from "../NetworkError.ts"
import * as SocketOptions from "../SocketOptions.ts"
import type * as Transport from "../Transport.ts"
import { makeTraffic } from "./activity.ts"
import * as connection from "./connection.ts"
import { Gate } from "./gate.ts"
import { firstToConnect, interleave } from "./happyEyeballs.ts"
import { ListenerState } from "./listener.ts"
import * as metrics from "./metrics.ts"
import { UdpSocketState } from "./udpSocket.ts"

/** What all platforms have in common between an endpoint and an open socket. */
export const make = Effect.fnUntraced(function*(platform: Transport.Platform) {
  const dialled = makeTraffic()
  yield* metrics.dialling(dialled)

  const connect: Network.Network["Service"]["connect"] = Effect.fnUntraced(function*(input, options = {}) {
    const endpoint = yield* streamEndpoint("connect", input)
    const where = Endpoint.format(endpoint)
    const checked = yield* Effect.fromResult(SocketOptions.checkConnect(options, where))
    const scope = yield* Effect.scope
    const opened: Array<Transport.StreamTransport> = []
    const attempts = Effect.flatMap(
      resolve(platform, endpoint),
      (addresses) =>
        firstToConnect(
          interleave(addresses),
          checked.attemptDelay,
          opened,
          (address) => platform.connect(address, checked)
        )
    ).pipe(
      Effect.timeoutOrElse({
        duration: Duration.millis(checked.connectTimeout),
        orElse: () => Effect.fail(connectTimedOut(where, checked.connectTimeout))
      })
    )
    return yield* Effect.uninterruptibleMask((restore) =>
      restore(attempts).pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            for (const transport of opened) {
              if (Exit.isFailure(exit) || exit.value !== transport) transport.destroy()
            }
          })
        ),
        Effect.flatMap((transport) => connection.scoped(transport, checked.closeTimeout, dialled, scope))
      )
    )
  })

  const listen: Network.Network["Service"]["listen"] = Effect.fnUntraced(function*(input, options = {}) {
    const endpoint = yield* streamEndpoint("listen", input)
    const where = Endpoint.format(endpoint)
    const checked = yield* Effect.fromResult(SocketOptions.checkListen(options, where))
    const acceptPolicy = yield* Effect.fromResult(AcceptPolicy.check(options, "listen", where))
    const [address] = yield* resolve(platform, endpoint)
    const listener = new ListenerState(where, checked, new Gate(acceptPolicy, yield* Clock.Clock))
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

const connectTimedOut = (where: string, after: number) =>
  NetworkError.make("connect", where, new NetworkError.TimedOut({ deadline: "connect", after }))

/** An endpoint as it was meant, for errors. */
export const endpointText = (input: Endpoint.Input): string =>
  typeof input === "string" ? input : Endpoint.format(input)

const streamEndpoint = (operation: NetworkError.Operation, input: Endpoint.Input) =>
  Effect.flatMap(
    Effect.fromResult(Endpoint.fromInput(input)),
    (endpoint) =>
      endpoint._tag === "Tcp" || endpoint._tag === "Unix"
        ? Effect.succeed(endpoint)
        : Effect.fail(
          endpoint._tag === "Tls"
            ? NetworkError.make(operation, endpointText(input), new NetworkError.Unsupported({ feature: "TLS" }))
            : wrongScheme(operation, endpointText(input), "tcp:// or unix://; udp:// is for Network.bind")
        )
  )

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
  endpoint: Endpoint.Tcp | Endpoint.Unix
): Effect.Effect<readonly [NetAddress.SocketAddress, ...Array<NetAddress.SocketAddress>], NetworkError.NetworkError> =>
  endpoint._tag === "Unix"
    ? Effect.succeed([NetAddress.unixPathAddress(endpoint.path)])
    : resolveInet(platform, endpoint)

const resolveInet = (platform: Transport.Platform, endpoint: Endpoint.Tcp | Endpoint.Udp) =>
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
