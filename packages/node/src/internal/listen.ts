import type * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Net from "node:net"
import { describe, fromNode, toNode } from "./address.ts"
import { descriptorGuard, descriptorLimit } from "./descriptorGuard.ts"
import { acceptingOf } from "./facade/accepting.ts"
import { type BoundSocket, listenOn } from "./facade/boundSocket.ts"
import { peerOf } from "./facade/socketHandle.ts"
import { CurrentSocketSource, type SocketSource, type Wanted, wantedAt } from "./socketSource.ts"
import { type Facts, NodeStream } from "./stream.ts"
import { checkPath } from "./unix/path.ts"
import { SocketFile } from "./unix/socketFile.ts"

/**
 * Binds and listens; a socket file that no server listens on is replaced. In a worker, it listens on a socket that the
 * supervisor has bound, except with `reusePort`.
 */
export const listen = (
  address: NetAddress.SocketAddress,
  settings: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  reuseReadBuffer: boolean
): Effect.Effect<Transport.ListenerTransport, NetworkError.NetworkError> =>
  Effect.flatMap(Effect.service(CurrentSocketSource), (source) => {
    if (source === undefined || settings.reusePort) return bindHere(address, settings, receiver, reuseReadBuffer)
    return listenFrom(source, describe(address), wantedAt(address, settings), settings, receiver, reuseReadBuffer)
  })

/** Listens on a socket that a source has bound. */
export const listenFrom = (
  source: SocketSource,
  where: string,
  wanted: Wanted,
  settings: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  reuseReadBuffer: boolean
): Effect.Effect<Transport.ListenerTransport, NetworkError.NetworkError> =>
  Effect.flatMap(source.obtain(where, wanted), ({ path, socket }) => {
    let address: NetAddress.SocketAddress
    const boundTo = (server: Net.Server) =>
      address = path === undefined ? boundAddress(server) : NetAddress.unixPathAddress(path)
    return Effect.map(
      open(where, boundTo, { socket, backlog: settings.backlog }, settings, receiver, reuseReadBuffer),
      (server) => transportOf(server, address)
    )
  })

const bindHere = (
  address: NetAddress.SocketAddress,
  settings: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  reuseReadBuffer: boolean
): Effect.Effect<Transport.ListenerTransport, NetworkError.NetworkError> => {
  if (!NetAddress.isUnixPathAddress(address)) {
    const { backlog, ipv6Only, reusePort } = settings
    const options = { host: toNode(address), port: address.port, backlog, reusePort, ipv6Only }
    return Effect.map(
      open(describe(address), boundAddress, options, settings, receiver, reuseReadBuffer),
      (server) => transportOf(server, boundAddress(server))
    )
  }
  return Effect.suspend(() => {
    const tooLong = checkPath("listen", address)
    return tooLong === undefined ? listenUnix(address, settings, receiver, reuseReadBuffer) : Effect.fail(tooLong)
  })
}

const listenUnix = Effect.fnUntraced(function*(
  address: NetAddress.UnixPathAddress,
  settings: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  reuseReadBuffer: boolean
): Effect.fn.Return<Transport.ListenerTransport, NetworkError.NetworkError> {
  const file = yield* SocketFile.make(address.path)
  const options = { path: file.bound.path, backlog: settings.backlog }
  const close = (server?: Net.Server) =>
    Effect.sync(() => {
      file.remove()
      server?.close(file.bound.close)
      if (server === undefined) file.bound.close()
    })
  const server = yield* Effect.onError(
    open(describe(address), () => address, options, settings, receiver, reuseReadBuffer),
    () => close()
  )
  yield* Effect.onError(file.place(settings.mode), () => close(server))
  return { address, descriptorLimit: descriptorLimit(), close: close(server) }
})

/** Opens a server. `boundTo` is called once, when it listens. */
export const open = (
  where: string,
  boundTo: (server: Net.Server) => NetAddress.SocketAddress,
  options: Net.ListenOptions | { readonly socket: BoundSocket; readonly backlog: number },
  { keepAlive, noDelay }: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  reuseReadBuffer: boolean
): Effect.Effect<Net.Server, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const server = Net.createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay,
      ...(keepAlive === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAlive })
    })
    const onOpenError = (error: Error) =>
      resume(Effect.fail(
        Transport.systemError({
          operation: "listen",
          address: where,
          error,
          anyPort: "port" in options && options.port === 0
        })
      ))
    server.once("error", onOpenError)
    server.once("listening", () => {
      server.off("error", onOpenError)
      const bound = boundTo(server)
      const factsOf = factsAt(bound)
      const onAcceptError = (error: Error) =>
        receiver.onAcceptError(Transport.systemError({ operation: "accept", address: describe(bound), error }))
      server.on("error", onAcceptError)
      const guarded = { onShortage: onAcceptError }
      descriptorGuard.add(guarded)
      server.once("close", () => descriptorGuard.remove(guarded))
      server.on("connection", (socket) => {
        const shortage = descriptorGuard.refusal(socket)
        if (shortage !== undefined) {
          if (NetAddress.isUnixPathAddress(bound)) socket.destroy()
          else socket.resetAndDestroy()
          return onAcceptError(shortage)
        }
        const facts = factsOf(socket)
        // A peer that is gone already has no address left to report, and sends nothing more.
        if (facts === undefined) socket.destroy()
        else new NodeStream(socket, { ...facts, reuseReadBuffer }).arriveAt(receiver)
      })
      resume(Effect.succeed(server))
    })
    if ("socket" in options) listenOn(server, options.socket, options.backlog)
    else server.listen(options)
  })

/** A server that listens, as a transport. */
export const transportOf = (server: Net.Server, address: NetAddress.SocketAddress): Transport.ListenerTransport => ({
  address,
  descriptorLimit: descriptorLimit(),
  setAccepting: acceptingOf(server),
  close: Effect.sync(() => void server.close())
})

export const boundAddress = (server: Net.Server): NetAddress.InetAddress => {
  const { address, port } = server.address() as Net.AddressInfo
  return fromNode(address, port)
}

const factsAt = (
  bound: NetAddress.SocketAddress
): (socket: Net.Socket) => { readonly local: Facts | NetAddress.SocketAddress; readonly remote: Facts } | undefined => {
  if (NetAddress.isUnixPathAddress(bound)) return () => ({ local: bound, remote: { path: "" } })
  // Only a listener on all addresses has to ask which of them the client connected to.
  const isUnspecified = NetAddress.isUnspecified(bound.address)
  return (socket) => {
    const remote = peerOf(socket)
    if (remote === undefined) return undefined
    if (!isUnspecified) return { local: bound, remote }
    const localHost = socket.localAddress
    return localHost === undefined ? undefined : { local: { host: localHost, port: socket.localPort! }, remote }
  }
}
