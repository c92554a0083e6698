import * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import type * as UdpSocket from "@sluice/core/UdpSocket"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Dgram from "node:dgram"
import { fromNode, isLocal, multicastInterface, toNode } from "./address.ts"
import { builtins } from "./facade/builtins.ts"
import { DatagramHandle } from "./facade/datagramHandle.ts"
import { systemFailure } from "./facade/systemFailure.ts"

/** Binds a datagram socket, and connects it if it has a peer. */
export const bind = (
  address: NetAddress.InetAddress,
  options: Transport.BindSettings,
  receiver: Transport.DatagramReceiver
): Effect.Effect<Transport.DatagramTransport, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const where = `udp://${NetAddress.formatInet(address)}`
    const isIpv6 = NetAddress.isInetAddressV6(address)
    const failed = (error: unknown) => {
      socket.close()
      resume(Effect.fail(Transport.systemError({
        operation: "bind",
        address: where,
        error,
        anyPort: address.port === 0
      })))
    }
    const socket = builtins.dgram.createSocket({
      type: isIpv6 ? "udp6" : "udp4",
      reuseAddr: options.reuseAddress,
      reusePort: options.reusePort,
      ipv6Only: options.ipv6Only,
      ...(options.receiveBufferSize === undefined ? {} : { recvBufferSize: options.receiveBufferSize }),
      ...(options.sendBufferSize === undefined ? {} : { sendBufferSize: options.sendBufferSize }),
      lookup: numeric as never
    })
    const ready = (error?: unknown) => {
      if (error !== undefined) return failed(error)
      const remote = options.peer === undefined ? where : `udp://${NetAddress.formatInet(options.peer)}`
      socket.off("error", failed)
      socket.on("error", (error) => {
        receiver.onError(Transport.systemError({ operation: "receive", address: remote, error }))
      })
      const { address: host, port } = socket.address()
      resume(Effect.succeed(makeTransport(socket, fromNode(host, port), remote)))
    }
    socket.once("error", failed)
    socket.on("message", (payload, source) => receiver.onDatagram(payload, source))
    socket.bind({ address: toNode(address), port: address.port, exclusive: true }, () => {
      try {
        configure(socket, options)
        if (options.peer === undefined) ready()
        else socket.connect(options.peer.port, destination(isIpv6, options.peer), ready)
      } catch (error) {
        failed(error)
      }
    })
  })

/** The destination in the form of the socket: an IPv6 one takes IPv4 addresses mapped (RFC 4291, section 2.5.5.2). */
const destination = (isIpv6: boolean, address: NetAddress.InetAddress): string =>
  isIpv6 && NetAddress.isInetAddressV4(address) ? `::ffff:${toNode(address)}` : toNode(address)

// Addresses are numeric here. Node's own lookup would take a turn of the event loop for each datagram all the same.
const numeric = (
  host: string,
  _: unknown,
  callback: (error: null, address: string, family: number) => void
): void => callback(null, host, host.includes(":") ? 6 : 4)

const configure = (socket: Dgram.Socket, options: Transport.BindSettings): void => {
  if (options.broadcast) socket.setBroadcast(true)
  if (options.ttl !== undefined) socket.setTTL(options.ttl)
  if (options.multicastTtl !== undefined) socket.setMulticastTTL(options.multicastTtl)
  if (options.multicastLoopback !== undefined) socket.setMulticastLoopback(options.multicastLoopback)
  if (options.multicastInterface !== undefined) {
    socket.setMulticastInterface(multicastInterface(options.multicastInterface))
  }
}

const sendError = (error: unknown, address: string, payload: Uint8Array): NetworkError.NetworkError => {
  const failure = Transport.systemError({ operation: "send", address, error })
  if (failure.reason._tag !== "MessageTooLarge") return failure
  const reason = new NetworkError.MessageTooLarge({ size: payload.length })
  return new NetworkError.NetworkError({ ...failure, operation: "send", address, reason, cause: error })
}

const makeTransport = (
  socket: Dgram.Socket,
  localAddress: NetAddress.InetAddress,
  where: string
): Transport.DatagramTransport => {
  const isIpv6 = NetAddress.isInetAddressV6(localAddress)
  const handle = new DatagramHandle(socket)
  const parse = (source: Transport.DatagramSource) => fromNode(source.address, source.port)
  const destinationOf = (to: Transport.DatagramSource) => `udp://${NetAddress.formatInet(parse(to))}`
  const change = (
    { group, interface: at, source }: UdpSocket.Membership<NetAddress.IpAddress>,
    apply: (group: string, at: string | undefined, source: string | undefined) => void
  ) =>
    Effect.try({
      try: () =>
        apply(
          NetAddress.formatIp(group),
          at === undefined ? undefined : multicastInterface(at),
          source === undefined ? undefined : NetAddress.formatIp(source)
        ),
      catch: (error) => Transport.systemError({ operation: "join", address: where, error })
    })
  return {
    localAddress,
    send: (payload, to, done) => {
      const failed = (error: unknown) => done(sendError(error, to === undefined ? where : destinationOf(to), payload))
      const outcome = handle.send(
        payload,
        to,
        (status) => status < 0 ? failed(systemFailure("send", status)) : done()
      )
      if (outcome === "sent") return done()
      if (outcome === "queued") return
      const sent = (error: Error | null) => error === null ? done() : failed(error)
      try {
        if (to === undefined) socket.send(payload, sent)
        else socket.send(payload, to.port, to.address, sent)
      } catch (error) {
        failed(error)
      }
    },
    parse,
    isLocal,
    afterTurn: setImmediate,
    format: (address) => ({ address: destination(isIpv6, address), port: address.port }),
    joinMulticast: (membership) =>
      change(membership, (group, at, source) =>
        source === undefined
          ? socket.addMembership(group, at)
          : socket.addSourceSpecificMembership(source, group, at)),
    leaveMulticast: (membership) =>
      Effect.ignore(change(membership, (group, at, source) =>
        source === undefined
          ? socket.dropMembership(group, at)
          : socket.dropSourceSpecificMembership(source, group, at))),
    close: Effect.callback((resume) => void socket.close(() => resume(Effect.void)))
  }
}
