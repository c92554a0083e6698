import type * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Net from "node:net"
import { describe, hasIpv6, toNode } from "./address.ts"
import { type Facts, NodeStream } from "./stream.ts"
import { checkPath } from "./unix/path.ts"

/** Opens a connection; interruption destroys the socket and returns when its descriptor is closed. */
export const connect = (
  address: NetAddress.SocketAddress,
  options: Transport.ConnectSettings,
  reuseReadBuffer: boolean
): Effect.Effect<NodeStream, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const fail = (error: NetworkError.NetworkError) => resume(Effect.fail(error))
    const where = describe(address)
    const tooLong = checkPath("connect", address)
    if (tooLong !== undefined) return fail(tooLong)

    const socket = new Net.Socket({ allowHalfOpen: true })
    const onError = (error: Error) => {
      // Without IPv6 the system reports an IPv6 destination as it does a lack of ports.
      const anyPort = !options.localPort && (!NetAddress.isInetAddressV6(address) || hasIpv6())
      fail(Transport.systemError({ operation: "connect", address: where, error, anyPort }))
    }
    socket.once("error", onError)
    socket.once("connect", () => {
      socket.off("error", onError)
      resume(Effect.succeed(new NodeStream(socket, { ...factsOf(socket, address), reuseReadBuffer })))
    })
    // Node applies both when the socket is connected.
    if (options.noDelay) socket.setNoDelay(true)
    if (options.keepAlive !== undefined) socket.setKeepAlive(true, options.keepAlive)
    // Paused until there is a receiver.
    socket.pause()
    socket.connect(nodeOptions(address, options))
    return destroyed(socket)
  })

const nodeOptions = (address: NetAddress.SocketAddress, options: Transport.ConnectSettings): Net.SocketConnectOpts =>
  NetAddress.isUnixPathAddress(address) ? { path: address.path } : {
    host: toNode(address),
    port: address.port,
    ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    ...(options.localPort === undefined ? {} : { localPort: options.localPort })
  }

const destroyed = (socket: Net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    socket.once("close", () => resume(Effect.void))
    socket.destroy()
  })

const factsOf = (socket: Net.Socket, dialled: NetAddress.SocketAddress): {
  readonly local: Facts
  readonly remote: Facts | NetAddress.SocketAddress
} => {
  if (NetAddress.isUnixPathAddress(dialled)) return { local: { path: "" }, remote: dialled }
  const local = { host: socket.localAddress!, port: socket.localPort! }
  // The system replaces the unspecified address by that of a loopback interface.
  if (!NetAddress.isUnspecified(dialled.address)) return { local, remote: dialled }
  // The socket of a peer that is gone already no longer has its address.
  const host = socket.remoteAddress
  return { local, remote: host === undefined ? dialled : { host, port: socket.remotePort! } }
}
