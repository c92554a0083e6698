import * as CertificateName from "@sluice/core/CertificateName"
import * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import * as TlsReason from "@sluice/core/TlsReason"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Crypto from "node:crypto"
import * as NodeTls from "node:tls"
import type { NodeStream } from "../stream.ts"
import { asClient, asServer } from "./handshake.ts"
import { hostNames } from "./session.ts"
import { SessionStore } from "./sessionStore.ts"

/** Prepares what all handshakes with the same settings share. */
export const secure = (
  settings: Tls.Client | Tls.Server,
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

const serverContext = (settings: Tls.Server): Transport.SecureContext => {
  const shared: NodeTls.SecureContextOptions = {
    ...common(settings),
    // Sessions in which a client has shown its certificate are resumed by name only.
    sessionIdContext: "sluice",
    ...(settings.resumption ? {} : { secureOptions: Crypto.constants.SSL_OP_NO_TICKET })
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

const clientContext = (settings: Tls.Client): Transport.SecureContext => {
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

const common = (settings: Tls.Client | Tls.Server): NodeTls.SecureContextOptions => {
  const { authorities, minimumVersion, revocationLists } = settings
  for (const pem of authorities ?? []) use("tls.authorities", () => new Crypto.X509Certificate(pem))
  return {
    minVersion: minimumVersion,
    // Each is trusted by itself, whether it is a root, one in between, or a peer's own.
    ...(authorities === undefined ? {} : { ca: [...authorities], allowPartialTrustChain: true }),
    ...(revocationLists.length === 0 ? {} : { crl: [...revocationLists] })
  }
}

const applicationProtocols = (settings: Tls.Client | Tls.Server) =>
  settings.applicationProtocols.length === 0 ? {} : { ALPNProtocols: [...settings.applicationProtocols] }

/** A certificate and its key, each looked at by itself, so that the error can tell which one is bad. */
const keyPair = ({ chain, key, option, passphrase }: Tls.KeyPair): NodeTls.SecureContextOptions => {
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
  readonly reason: TlsReason.TlsReason

  constructor(reason: TlsReason.TlsReason, cause?: unknown) {
    super(reason.message, { cause })
    this.reason = reason
  }
}
