import * as CertificateName from "@sluice/core/CertificateName"
import * as NetworkError from "@sluice/core/NetworkError"
import * as TlsReason from "@sluice/core/TlsReason"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"
import * as NodeTls from "node:tls"
import type { NodeStream } from "../stream.ts"
import { cipherList } from "./ciphers.ts"
import { asClient, asServer } from "./handshake.ts"
import { hostNames } from "./session.ts"
import { SessionStore } from "./sessionStore.ts"

/** Prepares the context that all handshakes with the same settings share. */
export const secure = (
  settings: Transport.TlsClient | Transport.TlsServer,
  address: string
): Effect.Effect<Transport.SecureContext, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(settings._tag === "Server" ? serverContext(settings) : clientContext(settings))
    } catch (error) {
      if (error instanceof Unusable) {
        const { cause, reason } = error
        return Effect.fail(new NetworkError.NetworkError({ operation: "secure", address, reason, cause }))
      }
      throw error
    }
  })

const serverContext = (settings: Transport.TlsServer): Transport.SecureContext => {
  const shared: NodeTls.SecureContextOptions = {
    ...common(settings),
    // OpenSSL requires a name to resume sessions in which the client sent a certificate.
    sessionIdContext: "sluice",
    // RFC 9325, section 3.5: renegotiation is not needed, and costs the server more than the client.
    secureOptions: Crypto.constants.SSL_OP_CIPHER_SERVER_PREFERENCE | Crypto.constants.SSL_OP_NO_RENEGOTIATION |
      (settings.resumption ? 0 : Crypto.constants.SSL_OP_NO_TICKET)
  }
  const contexts = settings.certificates.map((pair) => contextOf(pair.option, { ...shared, ...keyPair(pair) }))
  const names = settings.certificates.map(({ chain }) => hostNames(new Crypto.X509Certificate(chain)))
  const options: NodeTls.TLSSocketOptions = {
    isServer: true,
    secureContext: contexts[0]!,
    requestCert: settings.clientCertificates !== "off",
    rejectUnauthorized: settings.clientCertificates === "required",
    ...applicationProtocols(settings),
    ...(contexts.length === 1 ? {} : {
      SNICallback: (name, choose) => choose(null, contexts[CertificateName.select(names, name)]!)
    })
  }
  return { handshake: (transport, peer) => asServer(transport as NodeStream, peer, settings, options) }
}

const clientContext = (settings: Transport.TlsClient): Transport.SecureContext => {
  const { certificate } = settings
  const options: NodeTls.ConnectionOptions = {
    secureContext: contextOf("tls", {
      ...common(settings),
      ...(certificate === undefined ? {} : keyPair(certificate))
    }),
    ...applicationProtocols(settings)
  }
  const store = new SessionStore(settings.sessions)
  return { handshake: (transport, peer) => asClient(transport as NodeStream, peer, settings, options, store) }
}

const common = (settings: Transport.TlsClient | Transport.TlsServer): NodeTls.SecureContextOptions => {
  const { authorities, minimumVersion, revocationLists } = settings
  for (const pem of authorities ?? []) use("tls.authorities", () => new Crypto.X509Certificate(pem))
  return {
    minVersion: minimumVersion,
    ciphers: supported(settings.ciphers),
    // Each certificate is trusted by itself: a root, an intermediate one, or that of a single peer.
    ...(authorities === undefined ? {} : { ca: [...authorities], allowPartialTrustChain: true }),
    ...(revocationLists.length === 0 ? {} : { crl: [...revocationLists] })
  }
}

const applicationProtocols = (settings: Transport.TlsClient | Transport.TlsServer) =>
  settings.applicationProtocols.length === 0 ? {} : { ALPNProtocols: [...settings.applicationProtocols] }

const supported = (ciphers: ReadonlyArray<string> | undefined): string => {
  try {
    return cipherList(ciphers)
  } catch (error) {
    throw error instanceof NetworkError.InvalidOption ? new Unusable(error) : error
  }
}

/** Parses a certificate and its key separately, so that the error names the bad one. */
const keyPair = ({ chain, key, option, passphrase }: Transport.TlsKeyPair): NodeTls.SecureContextOptions => {
  const secret = {
    key: Redacted.value(key),
    ...(passphrase === undefined ? {} : { passphrase: Redacted.value(passphrase) })
  }
  const certificate = use(`${option}.chain`, () => new Crypto.X509Certificate(chain))
  const parsed = use(`${option}.key`, () => Crypto.createPrivateKey(secret))
  if (!certificate.checkPrivateKey(parsed)) throw new Unusable(new TlsReason.KeyMismatch({ option }))
  return { cert: chain, ...secret }
}

const contextOf = (option: string, options: NodeTls.SecureContextOptions): NodeTls.SecureContext =>
  use(option, () => NodeTls.createSecureContext(options))

const use = <A>(option: string, make: () => A): A => {
  try {
    return make()
  } catch (cause) {
    const why = (cause as { readonly reason?: string }).reason ?? (cause as Error).message
    throw new Unusable(new TlsReason.UnusableCertificate({ option, why }), cause)
  }
}

class Unusable extends Error {
  readonly reason: NetworkError.Reason

  constructor(reason: NetworkError.Reason, cause?: unknown) {
    super(reason.message, { cause })
    this.reason = reason
  }
}
