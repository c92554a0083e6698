import * as NetworkError from "@sluice/core/NetworkError"
import { KeyMismatch, UnusableCertificate } from "@sluice/core/TlsReason"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Submit } from "../tcp/stream.ts"
import {
  type Certificate,
  parseCertificates,
  parseKey,
  parseRevocationLists,
  publicKeyOf
} from "./certificate/certificate.ts"
import type { Trust } from "./certificate/trust.ts"
import { type ClientSession, shakeAsClient } from "./handshake/clientHandshake.ts"
import { Malformed } from "./handshake/fields.ts"
import { type Conversation, Handshake, type Wire } from "./handshake/handshake.ts"
import { shakeAsServer } from "./handshake/serverHandshake.ts"
import { SessionMap, Tickets } from "./handshake/sessions.ts"
import type { TlsHost } from "./stack.ts"

/** A certificate with those that issued it. */
export type Chain = readonly [Certificate, ...ReadonlyArray<Certificate>]

/** Prepares what all handshakes with the same settings share. */
export const secure = (
  host: TlsHost,
  submit: Submit,
  settings: Transport.TlsClient | Transport.TlsServer,
  address: string
): Effect.Effect<Transport.SecureContext, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    try {
      const begin = settings._tag === "Server" ? asServer(host, settings) : asClient(host, settings)
      return Effect.succeed({
        handshake: (transport, peer) => shakeHands(host, submit, settings, transport, peer, begin)
      })
    } catch (error) {
      if (error instanceof UnusableCertificate || error instanceof KeyMismatch) {
        return Effect.fail(NetworkError.make("secure", address, error))
      }
      throw error
    }
  })

type Begin = (peer: Transport.HandshakePeer, wire: Wire) => Conversation

const asServer = (host: TlsHost, settings: Transport.TlsServer): Begin => {
  const context = {
    host,
    settings,
    trust: trustOf(host, settings),
    chains: settings.certificates.map(chainOf),
    tickets: new Tickets(host.tickets)
  }
  return (_, wire) => shakeAsServer(context, wire)
}

const asClient = (host: TlsHost, settings: Transport.TlsClient): Begin => {
  const context = {
    host,
    settings,
    trust: trustOf(host, settings),
    chain: settings.certificate === undefined ? [] : chainOf(settings.certificate),
    sessions: new SessionMap<ClientSession>(settings.sessions)
  }
  return (peer, wire) => shakeAsClient(context, peer, wire)
}

const shakeHands = (
  host: TlsHost,
  submit: Submit,
  { applicationProtocols }: Transport.TlsClient | Transport.TlsServer,
  transport: Transport.StreamTransport,
  { address, serverName, unread }: Transport.HandshakePeer,
  begin: Begin
): Effect.Effect<Transport.SecureTransport, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const handshake = new Handshake(host, submit, transport, { address, applicationProtocols }, {
      onDone: (stream) => resume(Effect.succeed(stream)),
      onFailed: (error) => resume(Effect.fail(error))
    })
    handshake.begin((wire) => begin({ address, serverName }, wire), unread)
    return Effect.sync(() => handshake.abandon())
  })

const trustOf = (host: TlsHost, settings: Transport.TlsClient | Transport.TlsServer): Trust => ({
  anchors: settings.authorities === undefined
    ? host.authorities
    : settings.authorities.flatMap((text) => usable("tls.authorities", () => parseCertificates(text))),
  revocationLists: settings.revocationLists.flatMap((text) =>
    usable("tls.revocationLists", () => parseRevocationLists(text))
  )
})

const chainOf = ({ chain, key, option }: Transport.TlsKeyPair): Chain => {
  const certificates = usable(`${option}.chain`, () => parseCertificates(chain)) as Chain
  const publicKey = publicKeyOf(usable(`${option}.key`, () => parseKey(Redacted.value(key))))
  if (certificates[0].publicKey !== publicKey) throw new KeyMismatch({ option })
  return certificates
}

/** What a text holds that was given as an option. Throws `UnusableCertificate`. */
export const usable = <A>(option: string, parse: () => A): A => {
  try {
    return parse()
  } catch (error) {
    throw error instanceof Malformed ? new UnusableCertificate({ option, why: error.message }) : error
  }
}
