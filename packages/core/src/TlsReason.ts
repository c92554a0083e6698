/**
 * Why TLS fails: the reasons of a `NetworkError` that come from certificates, handshakes and alerts. Match them like any
 * other reason:
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import * as Effect from "effect/Effect"
 *
 * const connect = Network.connect("tls://example.org:443").pipe(
 *   Effect.catchReason("NetworkError", "CertificateExpired", ({ notAfter }) =>
 *     Effect.andThen(Effect.logWarning("the certificate expired", notAfter), Effect.never))
 * )
 * ```
 *
 * Messages show names of certificates in a form that is safe to print; the fields hold them as they are.
 *
 * @since 0.1.0
 */
import * as SafeText from "@sluice/framing/SafeText"
import * as Data from "effect/Data"
import { plural } from "./internal/text/plural.ts"

const safe = (text: string): string => SafeText.escape(text, { limit: 256 })

/**
 * The peer's certificate has expired (RFC 5280, section 4.1.2.5). `subject` is its owner, as text for people.
 *
 * @since 0.1.0
 * @category errors
 */
export class CertificateExpired extends Data.TaggedClass("CertificateExpired")<{
  readonly subject: string
  readonly notAfter: Date
}> {
  readonly message: string = `the certificate of ${safe(this.subject)} expired on ${this.notAfter.toISOString()}`
  readonly advice = "renew it; if it is still valid, check the clock of this machine"
}

/**
 * The peer's certificate is not valid yet (RFC 5280, section 4.1.2.5).
 *
 * @since 0.1.0
 * @category errors
 */
export class CertificateNotYetValid extends Data.TaggedClass("CertificateNotYetValid")<{
  readonly subject: string
  readonly notBefore: Date
}> {
  readonly message: string = `the certificate of ${
    safe(this.subject)
  } is not valid before ${this.notBefore.toISOString()}`
  readonly advice = "check the clocks of this machine and of the issuer"
}

/**
 * The peer's certificate, or the root of its chain, is self-signed and not among the trusted `authorities`.
 *
 * @since 0.1.0
 * @category errors
 */
export class SelfSignedCertificate extends Data.TaggedClass("SelfSignedCertificate")<{ readonly subject: string }> {
  readonly message: string = `the certificate of ${safe(this.subject)} is self-signed and not trusted`
  readonly advice = "add it to `authorities` if you trust it"
}

/**
 * The issuer of the peer's certificate is not trusted, or its chain lacks an intermediate certificate.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownIssuer extends Data.TaggedClass("UnknownIssuer")<{
  readonly subject: string
  readonly issuer: string
}> {
  readonly message: string = `the certificate of ${safe(this.subject)} was issued by ${
    safe(this.issuer)
  }, which is not trusted`
  readonly advice = "add the issuer to `authorities`, or have the peer send its full chain"
}

/**
 * The server's certificate is valid for other names (RFC 9525): `names`, and not `expected`.
 *
 * @since 0.1.0
 * @category errors
 */
export class HostNameMismatch extends Data.TaggedClass("HostNameMismatch")<{
  readonly expected: string
  readonly names: ReadonlyArray<string>
}> {
  readonly message: string = this.names.length === 0
    ? `the certificate is valid for no host name, and not for ${this.expected}`
    : `the certificate is valid for ${safe(this.names.join(", "))}, and not for ${this.expected}`
  readonly advice = "connect by one of its names, or set `serverName`"
}

/**
 * One of the `revocationLists` lists the peer's certificate.
 *
 * @since 0.1.0
 * @category errors
 */
export class CertificateRevoked extends Data.TaggedClass("CertificateRevoked")<{ readonly subject: string }> {
  readonly message: string = `the certificate of ${safe(this.subject)} was revoked`
  readonly advice = "do not trust it; its owner must replace it"
}

/**
 * The peer's certificate breaks another rule of RFC 5280. `code` is the platform's name for the rule.
 *
 * @since 0.1.0
 * @category errors
 */
export class CertificateRejected extends Data.TaggedClass("CertificateRejected")<{
  readonly subject: string
  readonly code: string
  readonly why: string
}> {
  readonly message: string = `the certificate of ${safe(this.subject)} was rejected: ${this.why} (${this.code})`
  readonly advice = "the certificate must be replaced by its owner"
}

/**
 * The peer's certificate matches none of the pinned `fingerprints`. Fingerprints are SHA-256: `"AB:CD:…"`.
 *
 * @since 0.1.0
 * @category errors
 */
export class PinMismatch extends Data.TaggedClass("PinMismatch")<{
  readonly expected: ReadonlyArray<string>
  readonly actual: string
}> {
  readonly message: string = `the fingerprint ${this.actual} of the certificate is not pinned`
  readonly advice = "rule out an interception; if the certificate was renewed, pin the new fingerprint"
}

/**
 * The peer was asked for a certificate and sent none.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoCertificate extends Data.TaggedClass("NoCertificate") {
  readonly message = "the peer sent no certificate"
  readonly advice = "set `certificate` on the client, or do not require one"
}

/**
 * A local certificate, key or list cannot be used; `option` names it, and `fix` says what to do. Found before anything is opened.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnusableCertificate extends Data.TaggedClass("UnusableCertificate")<{
  readonly option: string
  readonly why: string
  readonly fix?: string | undefined
}> {
  readonly message: string = `${this.option} is not usable: ${this.why}`
  readonly advice: string = this.fix ?? "provide complete PEM text"
}

/**
 * The key does not match the certificate of `option`. Found before anything is opened.
 *
 * @since 0.1.0
 * @category errors
 */
export class KeyMismatch extends Data.TaggedClass("KeyMismatch")<{ readonly option: string }> {
  readonly message: string = `the key of ${this.option} does not match its certificate`
  readonly advice = "provide the key of that certificate, and put the certificate first in `chain`"
}

/**
 * Both sides support no common version of TLS.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoSharedProtocol extends Data.TaggedClass("NoSharedProtocol") {
  readonly message = "no TLS version in common with the peer"
  readonly advice = "update the older side; `minimumVersion` sets the lowest version allowed here"
}

/**
 * Both sides support no common cipher suite, signature algorithm or group.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoSharedCipher extends Data.TaggedClass("NoSharedCipher") {
  readonly message = "no cipher suite, signature algorithm or group in common with the peer"
  readonly advice =
    "update the older side, allow its cipher suite in `ciphers`, or use a certificate with another kind of key"
}

/**
 * Both sides negotiate an application protocol (ALPN, RFC 7301) and support no common one. `supported` lists this
 * side's.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoSharedApplicationProtocol extends Data.TaggedClass("NoSharedApplicationProtocol")<{
  readonly supported: ReadonlyArray<string>
}> {
  readonly message: string = `the peer supports none of the application protocols ${this.supported.join(", ")}`
  readonly advice = "add a protocol of the peer to `applicationProtocols`"
}

/**
 * The peer does not speak TLS: its first bytes are not a TLS record.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotTls extends Data.TaggedClass("NotTls") {
  readonly message = "the peer does not speak TLS"
  readonly advice = "check the port, and whether the protocol starts in the clear (STARTTLS)"
}

/**
 * The peer closed the connection during the handshake.
 *
 * @since 0.1.0
 * @category errors
 */
export class HandshakeCut extends Data.TaggedClass("HandshakeCut") {
  readonly message = "the peer closed the connection during the handshake"
  readonly advice = "see the log of the peer: it may not speak TLS, require a certificate, or be overloaded"
}

/**
 * The peer violated the TLS protocol, in a way that has no class of its own here. `code` is the platform's name for it.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProtocolViolation extends Data.TaggedClass("ProtocolViolation")<{
  readonly code: string
  readonly why: string
}> {
  readonly message: string = `the peer violated the TLS protocol: ${this.why} (${this.code})`
  readonly advice = undefined
}

/**
 * A record of an established session is corrupt: it fails authentication (`bad_record_mac`, RFC 8446, section 5.2), or
 * is not a record. `code` is the platform's name for the fault.
 *
 * @since 0.1.0
 * @category errors
 */
export class CorruptRecord extends Data.TaggedClass("CorruptRecord")<{ readonly code: string }> {
  readonly message: string = `a TLS record of the peer is corrupt (${this.code})`
  readonly advice = "reconnect; if it happens again, check the network path for a device that changes data"
}

/**
 * The peer aborted with an alert (RFC 8446, section 6). `alert` is its name there: `"certificate_required"`.
 *
 * @since 0.1.0
 * @category errors
 */
export class PeerAlert extends Data.TaggedClass("PeerAlert")<{ readonly alert: string }> {
  readonly message: string = `the peer aborted with the TLS alert ${this.alert}`
  readonly advice: string = alertAdvice[this.alert] ?? "see the log of the peer"
}

const alertAdvice: Record<string, string> = {
  bad_record_mac: "check the network path for a device that changes data",
  bad_certificate: "check that the certificate is complete and has no errors",
  certificate_expired: "renew the certificate",
  certificate_required: "set `certificate`",
  certificate_revoked: "replace the certificate",
  certificate_unknown: "replace the certificate by one that the peer accepts",
  decrypt_error: "check that the key belongs to the certificate",
  handshake_failure: "check whether the peer requires a certificate, and its cipher suites",
  no_application_protocol: "add a protocol of the peer to `applicationProtocols`",
  protocol_version: "update the older side: there is no TLS version in common",
  unknown_ca: "use a certificate of an authority that the peer trusts",
  unrecognized_name: "check `serverName`: the peer has no certificate for it"
}

/**
 * The peer closed the connection without `close_notify`, so that an attacker may have cut off data (RFC 8446, section
 * 6.1).
 *
 * @since 0.1.0
 * @category errors
 */
export class Truncated extends Data.TaggedClass("Truncated") {
  readonly message = "the peer closed the connection without close_notify"
  readonly advice = "treat the data as possibly truncated"
}

/**
 * Clear text followed the request to upgrade to TLS. It must not count as protected: an attacker may have injected it
 * (CVE-2011-0411). `received` is its length in bytes.
 *
 * @since 0.1.0
 * @category errors
 */
export class ClearTextBeforeUpgrade extends Data.TaggedClass("ClearTextBeforeUpgrade")<{
  readonly received: number
}> {
  readonly message: string = `received ${plural(this.received, "byte")} of clear text before the upgrade to TLS`
  readonly advice = "suspect injection: the connection was closed"
}

/**
 * Why TLS failed.
 *
 * @since 0.1.0
 * @category errors
 */
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
  | ProtocolViolation
  | CorruptRecord
  | PeerAlert
  | Truncated
  | ClearTextBeforeUpgrade
