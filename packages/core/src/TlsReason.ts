/**
 * Why TLS fails: the reasons of a `NetworkError` that come from certificates, from the handshake and from the peer's
 * alerts. Each is matched like any other reason:
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import * as Effect from "effect/Effect"
 *
 * const connect = Network.connect("tls://example.org:443").pipe(
 *   Effect.catchReason("NetworkError", "CertificateExpired", ({ notAfter }) =>
 *     Effect.andThen(Effect.logWarning("it expired", notAfter), Effect.never))
 * )
 * ```
 */
import * as Data from "effect/Data"

/** The peer's certificate is no longer valid (RFC 5280, section 4.1.2.5). */
export class CertificateExpired extends Data.TaggedClass("CertificateExpired")<{
  /** Whose it is, as a distinguished name: `"CN=example.org"`. */
  readonly subject: string
  readonly notAfter: Date
}> {
  get message(): string {
    return `the certificate of ${this.subject} expired at ${this.notAfter.toISOString()}`
  }
  readonly advice = "its owner has to renew it; if it is still good, check the clock of this machine"
}

/** The peer's certificate is not valid yet. */
export class CertificateNotYetValid extends Data.TaggedClass("CertificateNotYetValid")<{
  readonly subject: string
  readonly notBefore: Date
}> {
  get message(): string {
    return `the certificate of ${this.subject} is not valid before ${this.notBefore.toISOString()}`
  }
  readonly advice = "check the clock of this machine, and that of the one that issued it"
}

/** The peer's certificate, or the root of its chain, vouches for itself, and is not among the authorities trusted here. */
export class SelfSignedCertificate extends Data.TaggedClass("SelfSignedCertificate")<{ readonly subject: string }> {
  get message(): string {
    return `the certificate of ${this.subject} is signed by itself, and not trusted here`
  }
  readonly advice = "add the certificate to `authorities` if you trust it"
}

/** The peer's certificate was issued by an authority that is not trusted here, or a link of its chain is missing. */
export class UnknownIssuer extends Data.TaggedClass("UnknownIssuer")<{
  readonly subject: string
  readonly issuer: string
}> {
  get message(): string {
    return `the certificate of ${this.subject} was issued by ${this.issuer}, which is not trusted here`
  }
  readonly advice = "add that authority to `authorities`, or let the peer send its whole chain"
}

/** The server's certificate is for other names (RFC 9525). */
export class HostNameMismatch extends Data.TaggedClass("HostNameMismatch")<{
  /** The name that was asked for. */
  readonly expected: string
  /** The names that the certificate is for. */
  readonly names: ReadonlyArray<string>
}> {
  get message(): string {
    const names = this.names.length === 0 ? "no name at all" : this.names.join(", ")
    return `the certificate is not for ${this.expected} but for ${names}`
  }
  readonly advice = "connect by one of its names, or say which one is meant with `serverName`"
}

/** The peer's certificate was revoked, as a revocation list given here says. */
export class CertificateRevoked extends Data.TaggedClass("CertificateRevoked")<{ readonly subject: string }> {
  get message(): string {
    return `the certificate of ${this.subject} was revoked`
  }
  readonly advice = "its owner has to get a new one; do not trust this one"
}

/** The peer's certificate cannot be trusted for another reason; `code` is the platform's name for it. */
export class CertificateRejected extends Data.TaggedClass("CertificateRejected")<{
  readonly subject: string
  readonly code: string
  readonly why: string
}> {
  get message(): string {
    return `the certificate of ${this.subject} was rejected: ${this.why} (${this.code})`
  }
  readonly advice = "its owner has to get a better one"
}

/** None of the peer's fingerprints is among those that were pinned; both are SHA-256, as in `"AB:CD:…"`. */
export class PinMismatch extends Data.TaggedClass("PinMismatch")<{
  readonly expected: ReadonlyArray<string>
  readonly actual: string
}> {
  get message(): string {
    return `the certificate has the fingerprint ${this.actual}, which is not pinned`
  }
  readonly advice = "somebody may be in between; if the certificate was renewed, pin the new fingerprint"
}

/** The peer was asked for a certificate and gave none. */
export class NoCertificate extends Data.TaggedClass("NoCertificate") {
  readonly message = "the peer gave no certificate"
  readonly advice = "give the client a `certificate`, or do not require one"
}

/** A certificate, key or list of one's own cannot be used; `option` says which. Found before anything is opened. */
export class UnusableCertificate extends Data.TaggedClass("UnusableCertificate")<{
  readonly option: string
  readonly why: string
}> {
  get message(): string {
    return `${this.option} cannot be used: ${this.why}`
  }
  readonly advice = "give it as PEM text, whole"
}

/** The key does not belong to the certificate; `option` says to which. Found before anything is opened. */
export class KeyMismatch extends Data.TaggedClass("KeyMismatch")<{ readonly option: string }> {
  get message(): string {
    return `the key of ${this.option} does not belong to its certificate`
  }
  readonly advice = "give the key that the certificate was made for, and the chain with the certificate first"
}

/** The two sides have no version of TLS in common. */
export class NoSharedProtocol extends Data.TaggedClass("NoSharedProtocol") {
  readonly message = "the peer and this side have no version of TLS in common"
  readonly advice = "update the older side; the least version allowed here is `minimumVersion`"
}

/** The two sides have no cipher suite, signature algorithm or group in common. */
export class NoSharedCipher extends Data.TaggedClass("NoSharedCipher") {
  readonly message = "the peer and this side have no cipher in common"
  readonly advice = "update the older side, or use a certificate with a key of another kind"
}

/** The two sides have no application protocol in common (ALPN, RFC 7301). */
export class NoSharedApplicationProtocol extends Data.TaggedClass("NoSharedApplicationProtocol")<{
  /** What this side offered, or takes. */
  readonly supported: ReadonlyArray<string>
}> {
  get message(): string {
    return `the peer speaks none of the application protocols ${this.supported.join(", ")}`
  }
  readonly advice = "list a protocol that the peer speaks in `applicationProtocols`"
}

/** The peer does not speak TLS. */
export class NotTls extends Data.TaggedClass("NotTls") {
  readonly message = "the peer does not speak TLS"
  readonly advice = "check the port, and whether it wants to be asked for TLS first (STARTTLS)"
}

/** The peer went away before the handshake was done. */
export class HandshakeCut extends Data.TaggedClass("HandshakeCut") {
  readonly message = "the peer ended the connection during the handshake"
  readonly advice = "it may not speak TLS, or want a certificate, or be overloaded: its log may say"
}

/** The handshake failed for a reason that has no class of its own here; `code` is the platform's name for it. */
export class HandshakeFailed extends Data.TaggedClass("HandshakeFailed")<{
  readonly code: string
  readonly why: string
}> {
  get message(): string {
    return `the handshake failed: ${this.why} (${this.code})`
  }
  readonly advice = undefined
}

/** The peer refused with an alert (RFC 8446, section 6); `alert` is its name there, such as `"certificate_required"`. */
export class PeerAlert extends Data.TaggedClass("PeerAlert")<{ readonly alert: string }> {
  get message(): string {
    return `the peer refused with the alert ${this.alert}`
  }
  get advice(): string {
    return alertAdvice[this.alert] ?? "the log of the peer may say more"
  }
}

const alertAdvice: Record<string, string> = {
  bad_certificate: "it does not accept the certificate given: check that it is whole",
  certificate_expired: "the certificate given has expired: renew it",
  certificate_required: "it wants a certificate: give one with `certificate`",
  certificate_revoked: "the certificate given was revoked: get a new one",
  certificate_unknown: "it does not accept the certificate given",
  decrypt_error: "the key in use may not belong to the certificate",
  handshake_failure: "it may want a certificate, or have no cipher in common",
  no_application_protocol: "list a protocol that it speaks in `applicationProtocols`",
  protocol_version: "it has no version of TLS in common: update the older side",
  unknown_ca: "it does not trust the authority that issued the certificate given",
  unrecognized_name: "it has no certificate for that name: check `serverName`"
}

/** The peer's FIN came without `close_notify`: what came may have been cut off by somebody else (RFC 8446, section 6.1). */
export class Truncated extends Data.TaggedClass("Truncated") {
  readonly message = "the connection ended without the peer's close_notify"
  readonly advice = "what came may be cut off: do not take it for the whole"
}

/**
 * Clear text came behind the request to upgrade. An upgrade must not take it for protected (CVE-2011-0411): somebody
 * may have injected it. `received` is its length in bytes.
 */
export class ClearTextBeforeUpgrade extends Data.TaggedClass("ClearTextBeforeUpgrade")<{ readonly received: number }> {
  get message(): string {
    return `${this.received} bytes of clear text came before the upgrade to TLS`
  }
  readonly advice = "somebody may have injected them: the connection was closed"
}

/** Why TLS failed. */
export type TlsReason =
  | CertificateExpired
  | CertificateNotYetValid
  | SelfSignedCertificate
  | UnknownIssuer
  | HostNameMismatch
  | CertificateRevoked
  | CertificateRejected
  | PinMismatch
  | NoCertificate
  | UnusableCertificate
  | KeyMismatch
  | NoSharedProtocol
  | NoSharedCipher
  | NoSharedApplicationProtocol
  | NotTls
  | HandshakeCut
  | HandshakeFailed
  | PeerAlert
  | Truncated
  | ClearTextBeforeUpgrade
