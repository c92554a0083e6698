import * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import * as TlsReason from "@sluice/core/TlsReason"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import type { X509Certificate } from "node:crypto"
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import { InputEnd } from "../facade/inputEnd.ts"
import type { NodeStream } from "../stream.ts"
import { fromTls } from "./errors.ts"
import { outdated, sessionOf, unfit, unverified } from "./session.ts"
import type { SessionStore } from "./sessionStore.ts"
import { reset, SecureStream } from "./stream.ts"

type Handshake = Effect.Effect<SecureStream, NetworkError.NetworkError>

/** Shakes hands as the server. */
export const asServer = (
  transport: NodeStream,
  peer: Transport.HandshakePeer,
  settings: Tls.Server,
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
      const { servername } = socket as { servername?: string | false | null }
      return sessionOf(socket, servername || undefined, certificate, problem)
    }
  })

/** Shakes hands as the client. */
export const asClient = (
  transport: NodeStream,
  peer: Transport.HandshakePeer,
  settings: Tls.Client,
  options: NodeTls.ConnectionOptions,
  store: SessionStore
): Handshake =>
  Effect.suspend(() => {
    const serverName = peer.serverName ?? ""
    const isName = Net.isIP(serverName) === 0 && serverName !== ""
    const key = `${serverName} ${peer.address}`
    const stored = store.get(key)
    let shown: X509Certificate | undefined
    return shakeHands(transport, peer, settings, (raw) => {
      const socket = NodeTls.connect({
        ...options,
        socket: raw,
        // Verified here, so that the reason can be told, and by one name only.
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
        ...(isName ? { servername: serverName } : {}),
        ...(stored === undefined ? {} : { session: stored.session })
      })
      // It comes after the handshake, when the certificate has been found good.
      if (store.capacity > 0) {
        socket.on("session", (session) => {
          if (shown !== undefined) store.put(key, { session, certificate: shown })
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
        shown = certificate
        return sessionOf(socket, isName ? serverName : undefined, certificate, problem)
      }
    })
  })

const shakeHands = (
  transport: NodeStream,
  peer: Transport.HandshakePeer,
  { applicationProtocols }: Tls.Client | Tls.Server,
  begin: (raw: Net.Socket) => NodeTls.TLSSocket,
  { done, session }: {
    /** The event that says so. */
    readonly done: "secure" | "secureConnect"
    /** What was negotiated, or why it is not good enough. */
    readonly session: (socket: NodeTls.TLSSocket) => Tls.Session | TlsReason.TlsReason
  }
): Handshake =>
  Effect.callback((resume) => {
    const { facts, socket: raw } = transport.surrender()
    const refuse = (reason: TlsReason.TlsReason) => NetworkError.make("secure", peer.address, reason)
    if (raw.destroyed) {
      // Why, it may be just about to say.
      raw.on("error", () => {})
      return resume(Effect.fail(refuse(new TlsReason.HandshakeCut())))
    }
    if (peer.unread !== undefined) putBack(raw, peer.unread)
    const socket = begin(raw)
    const inputEnd = new InputEnd(socket, raw)

    const forget = () => {
      socket.off("error", onError)
      socket.off("_tlsError", onError)
      socket.off("close", onClose)
      inputEnd.onEnd = () => {}
    }
    const fail = (error: NetworkError.NetworkError) => {
      forget()
      // What else it has to say is of no use to anybody.
      socket.on("error", () => {})
      socket.destroy()
      resume(Effect.fail(error))
    }
    const onError = (error: NodeJS.ErrnoException) =>
      fail(fromTls({ operation: "secure", address: peer.address, error, applicationProtocols }))
    const onClose = () => fail(refuse(new TlsReason.HandshakeCut()))
    inputEnd.onEnd = onClose
    socket.on("error", onError)
    socket.on("_tlsError", onError)
    socket.on("close", onClose)
    socket.once(done, () => {
      if (socket.destroyed) return
      const agreed = session(socket)
      if ("_tag" in agreed) return fail(refuse(agreed))
      forget()
      const stream = new SecureStream(socket, raw, facts, agreed, inputEnd)
      // Node tells of an alert only here, on a server's socket that has no `tls.Server`.
      socket.on("_tlsError", (error: Error) => stream.onError(error))
      // It says so from within OpenSSL, with the last flight, or the tickets of a session, still to be written.
      setImmediate(() => resume(Effect.succeed(stream)))
    })
    return Effect.suspend(() => {
      forget()
      return abandoned(socket, raw)
    })
  })

/** Makes Node take these bytes for the first that the socket reads. It must not flow, or they would be for nobody. */
const putBack = (raw: Net.Socket, unread: Uint8Array): void => {
  raw.pause()
  raw.unshift(unread)
}

// With a reset: the peer may have done its part, and would take anything else for a stream that was cut off.
const abandoned = (socket: NodeTls.TLSSocket, raw: Net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (socket.closed) return resume(Effect.void)
    socket.on("error", () => {})
    socket.once("close", () => resume(Effect.void))
    reset(raw)
  })

const verifyError = (socket: NodeTls.TLSSocket, certificate: X509Certificate): TlsReason.TlsReason | undefined => {
  const { code } = (socket as unknown as { ssl: { verifyError: () => { code: string } | null } }).ssl.verifyError() ??
    {}
  return code === undefined ? undefined : unverified(code, certificate)
}
