import { PinMismatch, type TlsReason } from "@sluice/core/TlsReason"
import type * as Transport from "@sluice/core/Transport"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { type Certificate, fingerprint } from "../certificate/certificate.ts"
import { judgeChain, judgeName, type Trust } from "../certificate/trust.ts"
import { refuseCertificate, violation } from "../refusal.ts"
import { ciphersOf, isCipherOf, type TlsHost, versionsFrom } from "../stack.ts"
import { describeSession, expectMessage } from "./agreement.ts"
import type { Conversation, Wire } from "./handshake.ts"
import type { SavedSession, SessionMap } from "./sessions.ts"

/** What all handshakes of a client with the same settings share. */
export interface ClientContext {
  readonly host: TlsHost
  readonly settings: Transport.TlsClient
  readonly trust: Trust
  /** What to show, if anything. */
  readonly chain: ReadonlyArray<Certificate>
  readonly sessions: SessionMap<ClientSession>
}

/** A session, and the ticket that resumes it. */
export interface ClientSession extends SavedSession {
  readonly ticket: string
}

/**
 * The client's part: `ClientHello`, and with its answer all is known in TLS 1.3 (RFC 8446, section 2), where TLS 1.2 takes
 * one round trip more (RFC 5246, section 7.3), unless a session is resumed.
 */
export function* shakeAsClient(
  context: ClientContext,
  peer: Transport.HandshakePeer,
  wire: Wire
): Conversation {
  const { chain: own, host, sessions, settings } = context
  const server = `${peer.serverName ?? ""} ${peer.address}`
  const serverName = hostName(peer.serverName)
  const saved = resumable(context, server, peer.serverName)
  const versions = versionsFrom(host.tls, settings.minimumVersion)
  wire.send({
    name: "ClientHello",
    body: {
      versions,
      ciphers: ciphersOf(host.tls, settings),
      applicationProtocols: settings.applicationProtocols,
      serverName,
      ticket: saved?.ticket
    }
  })

  const hello = expectMessage(yield, "ServerHello")
  const { applicationProtocol, cipher, resumed } = hello
  const version = versions.find((version) => version === hello.version)
  if (version === undefined || !isCipherOf(version, cipher) || !ciphersOf(host.tls, settings).includes(cipher)) {
    throw violation("illegal_parameter", "the peer chose a version or a cipher that was not offered")
  }
  if (applicationProtocol !== undefined && !settings.applicationProtocols.includes(applicationProtocol)) {
    throw violation("illegal_parameter", "the peer chose an application protocol that was not offered")
  }
  if (resumed && (saved === undefined || saved.version !== version || saved.cipher !== cipher)) {
    throw violation("illegal_parameter", "the peer resumed another session than was offered")
  }

  let chain: ReadonlyArray<Certificate> = []
  let isAsked = false
  if (resumed) {
    chain = saved!.chain
  } else {
    let message = yield
    if (version === "TLSv1.3" && message.name === "CertificateRequest") {
      isAsked = true
      message = yield
    }
    chain = expectMessage(message, "Certificate").chain
  }
  const unverified = judge(context, chain, peer.serverName)
  if (unverified !== undefined && settings.verify) throw refuseCertificate(unverified, version)

  let ticket: string | undefined
  if (version === "TLSv1.2" && !resumed) {
    let message = yield
    if (message.name === "CertificateRequest") {
      isAsked = true
      message = yield
    }
    expectMessage(message, "ServerHelloDone")
    if (isAsked) wire.send({ name: "Certificate", body: { chain: own } })
    wire.send({ name: "ClientKeyExchange", body: {} })
    wire.finish()
    message = yield
    if (message.name === "NewSessionTicket") {
      ticket = message.body.ticket
      message = yield
    }
    expectMessage(message, "Finished")
  } else {
    expectMessage(yield, "Finished")
    if (isAsked) wire.send({ name: "Certificate", body: { chain: own } })
    wire.finish()
  }

  const at = resumed ? saved!.at : host.wallClock
  const remember = (ticket: string) => sessions.set(server, { version, cipher, serverName, chain, at, ticket })
  if (ticket !== undefined) remember(ticket)
  return {
    session: describeSession({
      protocol: version,
      cipher,
      applicationProtocol,
      serverName,
      resumed,
      chain,
      unverified
    }),
    onTicket: version === "TLSv1.3" ? remember : undefined
  }
}

// What a session knows of its server must still be good.
const resumable = (
  context: ClientContext,
  server: string,
  host: string | undefined
): ClientSession | undefined => {
  const saved = context.sessions.get(server, context.host.wallClock)
  if (saved === undefined || !context.settings.verify) return saved
  return judge(context, saved.chain, host) === undefined ? saved : undefined
}

const judge = (
  { host, settings, trust }: ClientContext,
  [certificate, ...others]: ReadonlyArray<Certificate>,
  wanted: string | undefined
): TlsReason | undefined => {
  if (certificate === undefined) throw violation("decode_error", "the peer gave no certificate")
  const unfit = judgeChain(trust, [certificate, ...others], host.wallClock) ??
    (wanted === undefined ? undefined : judgeName(certificate, wanted))
  if (unfit !== undefined) return unfit
  const { fingerprints } = settings
  const actual = fingerprint(certificate)
  return fingerprints.length === 0 || fingerprints.includes(actual)
    ? undefined
    : new PinMismatch({ expected: fingerprints, actual })
}

// An IP address is no name (RFC 6066, section 3).
const hostName = (name: string | undefined): string | undefined =>
  name === undefined || Result.isSuccess(NetAddress.ipFromString(name)) ? undefined : name
