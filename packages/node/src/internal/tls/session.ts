import * as CertificateName from "@sluice/core/CertificateName"
import type * as Tls from "@sluice/core/Tls"
import * as TlsReason from "@sluice/core/TlsReason"
import type { X509Certificate } from "node:crypto"
import * as Net from "node:net"
import type { TLSSocket } from "node:tls"

/** The session of a socket whose handshake is done. */
export const sessionOf = (
  socket: TLSSocket,
  serverName: string | undefined,
  certificate: X509Certificate | undefined,
  unverified: TlsReason.TlsReason | undefined
): Tls.Session => ({
  protocol: socket.getProtocol() as Tls.Version,
  cipher: socket.getCipher().standardName,
  applicationProtocol: socket.alpnProtocol || undefined,
  serverName,
  resumed: socket.isSessionReused(),
  peerCertificate: certificate === undefined ? undefined : new Certificate(certificate),
  verified: certificate !== undefined && unverified === undefined,
  unverified
})

/** A peer's certificate, parsed on demand. */
class Certificate implements Tls.PeerCertificate {
  readonly #certificate: X509Certificate

  constructor(certificate: X509Certificate) {
    this.#certificate = certificate
  }

  get subject(): CertificateName.DistinguishedName {
    return parsed(this.#certificate.subject)
  }

  get issuer(): CertificateName.DistinguishedName {
    return parsed(this.#certificate.issuer)
  }

  get alternativeNames(): ReadonlyArray<string> {
    return alternativeNames(this.#certificate)
  }

  get notBefore(): Date {
    return new Date(this.#certificate.validFrom)
  }

  get notAfter(): Date {
    return new Date(this.#certificate.validTo)
  }

  get fingerprint256(): string {
    return this.#certificate.fingerprint256
  }
}

// Node separates the parts by line feeds, `"C=DE\nCN=example.org"`, and escapes values as RFC 2253 says. It has no text for a
// name with invalid characters.
const parsed = (lines: string | undefined): CertificateName.DistinguishedName => CertificateName.parse(lines ?? "")

const nameOf = (lines: string | undefined): string => CertificateName.format(parsed(lines))

/** The names that a certificate is valid for: `"DNS:example.org"`, `"IP Address:127.0.0.1"`. */
const alternativeNames = (certificate: X509Certificate): ReadonlyArray<string> =>
  // Node quotes a name with special characters as JSON does.
  (certificate.subjectAltName?.match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/g) ?? []).map((name) => name.trim())

/** The DNS names that a certificate is valid for. */
export const hostNames = (certificate: X509Certificate): ReadonlyArray<string> =>
  alternativeNames(certificate).filter((name) => name.startsWith("DNS:")).map((name) => name.slice("DNS:".length))

/** Translates the reason why OpenSSL did not verify a certificate. */
export const unverified = (code: string, certificate: X509Certificate): TlsReason.TlsReason => {
  const subject = nameOf(certificate.subject)
  switch (code) {
    case "CERT_HAS_EXPIRED": {
      const expired = inChain(certificate, (each) => Date.parse(each.validTo) < Date.now())
      return new TlsReason.CertificateExpired({
        subject: nameOf(expired.subject),
        notAfter: new Date(expired.validTo)
      })
    }
    case "CERT_NOT_YET_VALID": {
      const early = inChain(certificate, (each) => Date.parse(each.validFrom) > Date.now())
      return new TlsReason.CertificateNotYetValid({
        subject: nameOf(early.subject),
        notBefore: new Date(early.validFrom)
      })
    }
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return new TlsReason.SelfSignedCertificate({ subject })
    case "SELF_SIGNED_CERT_IN_CHAIN":
      return new TlsReason.SelfSignedCertificate({
        subject: nameOf(inChain(certificate, (each) => each.subject === each.issuer).subject)
      })
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return new TlsReason.UnknownIssuer({ subject, issuer: nameOf(certificate.issuer) })
    case "CERT_REVOKED":
      return new TlsReason.CertificateRevoked({ subject })
    default:
      return new TlsReason.CertificateRejected({
        subject,
        code,
        why: code.toLowerCase().replaceAll("_", " ")
      })
  }
}

/** Whether a certificate has expired since it was verified: OpenSSL does not check again when a session is resumed. */
export const outdated = (certificate: X509Certificate): TlsReason.TlsReason | undefined =>
  Date.parse(certificate.validTo) < Date.now() ? unverified("CERT_HAS_EXPIRED", certificate) : undefined

/** The first certificate of the chain with a property, or the leaf. */
const inChain = (leaf: X509Certificate, holds: (certificate: X509Certificate) => boolean): X509Certificate => {
  let certificate: X509Certificate | undefined = leaf
  for (let depth = 0; certificate !== undefined && depth < 10; depth++) {
    if (holds(certificate)) return certificate
    certificate = certificate.issuerCertificate
  }
  return leaf
}

/** Checks that a certificate is valid for the requested server, and pinned if any is. */
export const unfit = (
  certificate: X509Certificate,
  serverName: string,
  fingerprints: ReadonlyArray<string>
): TlsReason.TlsReason | undefined => {
  const fits = Net.isIP(serverName) !== 0
    ? certificate.checkIP(serverName)
    : certificate.checkHost(serverName, { subject: "never", partialWildcards: false })
  if (fits === undefined) {
    const names = alternativeNames(certificate).map((name) => name.replace(/^(DNS|IP Address):/, ""))
    return new TlsReason.HostNameMismatch({ expected: serverName, names })
  }
  const actual = certificate.fingerprint256
  return fingerprints.length === 0 || fingerprints.includes(actual)
    ? undefined
    : new TlsReason.PinMismatch({ expected: fingerprints, actual })
}
