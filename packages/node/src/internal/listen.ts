import type * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Net from "node:net"
import { describe, fromNode, toNode } from "./address.ts"
import { type Facts, NodeStream } from "./stream.ts"
import { checkPath, clearStale, explain } from "./unixPath.ts"

/** Binds and listens; a socket file that nobody listens on is taken over. */
export const listen = (
  address: NetAddress.SocketAddress,
  options: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  reuseReadBuffer: boolean
): Effect.Effect<Transport.ListenerTransport, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const tooLong = checkPath("listen", address)
    if (tooLong !== undefined) return Effect.fail(tooLong)
    const open = listenOnce(address, options, receiver, reuseReadBuffer)
    if (!NetAddress.isUnixPathAddress(address)) return open
    return open.pipe(
      Effect.catchReason("NetworkError", "AddressInUse", (_, error) =>
        Effect.andThen(clearStale(address.path, error), open)),
      Effect.mapError((error) =>
        explain(address.path, error)
      )
    )
  })

const listenOnce = (
  address: NetAddress.SocketAddress,
  options: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  reuseReadBuffer: boolean
): Effect.Effect<Transport.ListenerTransport, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const where = describe(address)
    const server = Net.createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: options.noDelay,
      ...(options.keepAlive === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: options.keepAlive })
    })
    const onOpenError = (error: Error) =>
      resume(Effect.fail(Transport.systemError({ operation: "listen", address: where, error })))
    server.once("error", onOpenError)
    server.once("listening", () => {
      server.off("error", onOpenError)
      const bound = boundAddress(server)
      server.on("error", (error) => {
        receiver.onAcceptError(Transport.systemError({ operation: "accept", address: where, error }))
      })
      server.on("connection", (socket) => {
        const facts = factsOf(socket, bound)
        // A peer that is gone again already has no address left to report, and nothing to say.
        if (facts === undefined) socket.destroy()
        else receiver.onConnection(new NodeStream(socket, { ...facts, reuseReadBuffer }))
      })
      resume(Effect.succeed({ address: bound, close: Effect.sync(() => void server.close()) }))
    })
    server.listen(
      NetAddress.isUnixPathAddress(address)
        ? { path: address.path, backlog: options.backlog }
        : {
          host: toNode(address),
          port: address.port,
          backlog: options.backlog,
          reusePort: options.reusePort,
          ipv6Only: options.ipv6Only
        }
    )
  })

const boundAddress = (server: Net.Server): NetAddress.SocketAddress => {
  const address = server.address()!
  return typeof address === "string"
    ? NetAddress.unixPathAddress(address)
    : fromNode(address.address, address.port)
}

const factsOf = (
  socket: Net.Socket,
  bound: NetAddress.SocketAddress
): { readonly local: Facts | NetAddress.SocketAddress; readonly remote: Facts } | undefined => {
  if (NetAddress.isUnixPathAddress(bound)) return { local: bound, remote: { path: "" } }
  const host = socket.remoteAddress
  if (host === undefined) return undefined
  const remote = { host, port: socket.remotePort! }
  // Only a listener on all addresses has to ask which of them it was.
  if (!NetAddress.isUnspecified(bound.address)) return { local: bound, remote }
  const localHost = socket.localAddress
  return localHost === undefined ? undefined : { local: { host: localHost, port: socket.localPort! }, remote }
}
