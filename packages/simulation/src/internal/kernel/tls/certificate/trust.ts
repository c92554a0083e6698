import * as CertificateName from "@sluice/core/CertificateName"
import type * as Tls from "@sluice/core/Tls"
import * as Reason from "@sluice/core/TlsReason"
import * as DateTime from "effect/DateTime"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { type Certificate, fingerprint, isSelfSigned, isSignatureGood, type RevocationList } from "./certificate.ts"

/** The certificates that one side trusts, and what it knows to be revoked. */
export interface Trust {
  readonly anchors: ReadonlyArray<Certificate>
  readonly revocationLists: ReadonlyArray<RevocationList>
}

// More than any chain has.
const longestChain = 10

/** What is wrong with a chain of certificates, the peer's own first, at a time in milliseconds; nothing if it is good. */
export const judgeChain = (
  trust: Trust,
  chain: readonly [Certificate, ...ReadonlyArray<Certificate>],
  now: number
): Reason.TlsReason | undefined => {
  const path = pathToAnchor(trust, chain)
  if (!Array.isArray(path)) return path as Reason.TlsReason
  for (const [index, certificate] of path.entries()) {
    const issuer = path[index + 1]
    if (issuer !== undefined && !isSignatureGood(certificate)) {
      return rejected(certificate, "CERT_SIGNATURE_FAILURE", "its signature is wrong")
    }
    const revocation = issuer === undefined ? undefined : judgeRevocation(trust, certificate)
    if (revocation !== undefined) return revocation
  }
  for (const certificate of path.toReversed()) {
    const { notAfter, notBefore, subject } = certificate
    if (now < notBefore) return new Reason.CertificateNotYetValid({ subject, notBefore: toDate(notBefore) })
    if (now > notAfter) return new Reason.CertificateExpired({ subject, notAfter: toDate(notAfter) })
  }
  return undefined
}

/** The way from the peer's certificate to one that is trusted, or why there is none. */
const pathToAnchor = (
  { anchors }: Trust,
  [own, ...others]: readonly [Certificate, ...ReadonlyArray<Certificate>]
): Array<Certificate> | Reason.TlsReason => {
  const trusted = new Set(anchors.map(fingerprint))
  const path = [own]
  for (let current = own; !trusted.has(fingerprint(current));) {
    const { issuer, issuerKey, subject } = current
    if (isSelfSigned(current)) return new Reason.SelfSignedCertificate({ subject })
    const next = [...anchors, ...others].find((each) => each.subject === issuer && each.publicKey === issuerKey)
    if (next === undefined) return new Reason.UnknownIssuer({ subject, issuer })
    if (!next.isAuthority) return rejected(next, "INVALID_CA", "it issued another, and may not")
    if (path.push(next) > longestChain) return rejected(own, "CERT_CHAIN_TOO_LONG", "its chain is too long")
    current = next
  }
  return path
}

// As OpenSSL has it: where there are lists at all, each authority must have one.
const judgeRevocation = (
  { revocationLists }: Trust,
  certificate: Certificate
): Reason.TlsReason | undefined => {
  if (revocationLists.length === 0) return undefined
  const { issuer, issuerKey, subject } = certificate
  const lists = revocationLists.filter((list) => list.issuer === issuer && list.issuerKey === issuerKey)
  if (lists.length === 0) return rejected(certificate, "UNABLE_TO_GET_CRL", `${issuer} has no revocation list here`)
  return lists.some(({ revoked }) => revoked.includes(fingerprint(certificate)))
    ? new Reason.CertificateRevoked({ subject })
    : undefined
}

const rejected = ({ subject }: Certificate, code: string, why: string) =>
  new Reason.CertificateRejected({ subject, code, why })

/** What is wrong with a server's certificate, for the host that was asked for; nothing if it is good. */
export const judgeName = (certificate: Certificate, host: string): Reason.TlsReason | undefined => {
  const ip = NetAddress.ipFromString(host)
  const isGood = Result.isSuccess(ip)
    ? certificate.names.includes(`IP Address:${NetAddress.formatIp(ip.success)}`)
    : dnsNames(certificate).some((name) => CertificateName.matches(name, host))
  if (isGood) return undefined
  const names = certificate.names.map((name) => name.replace(/^(DNS|IP Address):/, ""))
  return new Reason.HostNameMismatch({ expected: host, names })
}

/** The names that it has as a host. */
export const dnsNames = ({ names }: Certificate): ReadonlyArray<string> =>
  names.filter((name) => name.startsWith("DNS:")).map((name) => name.slice(4))

/** What programs get to know of a peer's certificate. */
export const describePeer = (certificate: Certificate): Tls.PeerCertificate => ({
  subject: CertificateName.parse(certificate.subject),
  issuer: CertificateName.parse(certificate.issuer),
  alternativeNames: certificate.names,
  notBefore: toDate(certificate.notBefore),
  notAfter: toDate(certificate.notAfter),
  fingerprint256: fingerprint(certificate)
})

const toDate = (millis: number) => DateTime.toDateUtc(DateTime.makeUnsafe(millis))
