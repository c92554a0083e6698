import * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import * as TlsReason from "@sluice/core/TlsReason"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import type { X509Certificate } from "node:crypto"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import * as TlsFacade from "../facade/tlsSocket.ts"
import type { NodeStream } from "../stream.ts"
import { fromTls } from "./errors.ts"
import { outdated, sessionOf, unfit, unverified } from "./session.ts"
import type { SessionStore } from "./sessionStore.ts"
import { reset, SecureStream } from "./stream.ts"

type Handshake = Effect.Effect<SecureStream, NetworkError.NetworkError>

/** Performs the server side of a handshake. */
export const asServer = (
  transport: NodeStream,
  peer: Transport.HandshakePeer,
  settings: Transport.TlsServer,
  options: NodeTls.TLSSocketOptions
): Handshake =>
  shakeHands(transport, peer, settings, (raw) => new NodeTls.TLSSocket(raw, options), {
    done: "secure",
    session: (socket) => {
      const certificate = settings.clientCertificates === "off" ? undefined : socket.getPeerX509Certificate()
      const problem = certificate === undefined
        ? undefined
        : verifyError(socket, certificate) ?? (socket.isSessionReused() ? outdated(certificate) : undefined)
      if (settings.clientCertificates === "required") {
        if (certificate === undefined) return new TlsReason.NoCertificate()
        if (problem !== undefined) return problem
      }
      return sessionOf(socket, TlsFacade.requestedName(socket), certificate, problem)
    }
  })

/** Performs the client side of a handshake. */
export const asClient = (
  transport: NodeStream,
  peer: Transport.HandshakePeer,
  settings: Transport.TlsClient,
  options: NodeTls.ConnectionOptions,
  store: SessionStore
): Handshake =>
  Effect.suspend(() => {
    const serverName = peer.serverName ?? ""
    const isName = Net.isIP(serverName) === 0 && serverName !== ""
    const key = `${serverName} ${peer.address}`
    const stored = store.get(key)
    let accepted: X509Certificate | undefined
    return shakeHands(transport, peer, settings, (raw) => {
      const socket = NodeTls.connect({
        ...options,
        socket: raw,
        // Verified below instead, to report the reason, and against one name only.
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
        ...(isName ? { servername: serverName } : {}),
        ...(stored === undefined ? {} : { session: stored.session })
      })
      // The event follows the handshake, so the certificate has been verified by then.
      if (store.capacity > 0) {
        socket.on("session", (session) => {
          if (accepted !== undefined) store.put(key, { session, certificate: accepted })
        })
      }
      return socket
    }, {
      done: "secureConnect",
      session: (socket) => {
        const certificate = socket.isSessionReused() ? stored?.certificate : socket.getPeerX509Certificate()
        if (certificate === undefined) return new TlsReason.NoCertificate()
        const problem = verifyError(socket, certificate) ?? unfit(certificate, serverName, settings.fingerprints)
        if (problem !== undefined && settings.verify) return problem
        accepted = certificate
        return sessionOf(socket, isName ? serverName : undefined, certificate, problem)
      }
    })
  })

const shakeHands = (
  transport: NodeStream,
  peer: Transport.HandshakePeer,
  { applicationProtocols }: Transport.TlsClient | Transport.TlsServer,
  begin: (raw: Net.Socket) => NodeTls.TLSSocket,
  { done, session }: {
    /** The event that Node emits when the handshake is done. */
    readonly done: "secure" | "secureConnect"
    /** The session, or the reason to reject the peer. */
    readonly session: (socket: NodeTls.TLSSocket) => Tls.Session | TlsReason.TlsReason
  }
): Handshake =>
  Effect.callback((resume) => {
    const { facts, socket: raw } = transport.surrender()
    const refuse = (reason: TlsReason.TlsReason) => NetworkError.make("secure", peer.address, reason)
    if (raw.destroyed) return resume(Effect.fail(refuse(new TlsReason.HandshakeCut())))
    if (peer.unread !== undefined) putBack(raw, peer.unread)
    const socket = begin(raw)
    const fail = (error: NetworkError.NetworkError) => {
      stream.giveUp()
      socket.destroy()
      resume(Effect.fail(error))
    }
    const stream = new SecureStream(socket, raw, facts, {
      onError: (error) => fail(fromTls({ operation: "secure", address: peer.address, error, applicationProtocols })),
      onCut: () => fail(refuse(new TlsReason.HandshakeCut()))
    })
    socket.once(done, () => {
      if (socket.destroyed) return
      const agreed = session(socket)
      if ("_tag" in agreed) return fail(refuse(agreed))
      stream.secured(agreed, () => resume(Effect.succeed(stream)))
    })
    return Effect.suspend(() => {
      stream.giveUp()
      return abandoned(socket, raw)
    })
  })

/** Makes these bytes the first that the socket reads. It must be paused, or nobody would receive them. */
const putBack = (raw: Net.Socket, unread: Uint8Array): void => {
  raw.pause()
  raw.unshift(unread)
}

// With a reset: the peer may consider the handshake done, and would take a FIN for the end of a stream.
const abandoned = (socket: NodeTls.TLSSocket, raw: Net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (socket.closed) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
    reset(raw)
  })

const verifyError = (socket: NodeTls.TLSSocket, certificate: X509Certificate): TlsReason.TlsReason | undefined => {
  const code = TlsFacade.verifyErrorCode(socket)
  return code === undefined ? undefined : unverified(code, certificate)
}
