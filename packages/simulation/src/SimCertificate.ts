/**
 * Certificates for simulated networks: an authority of one's own, and what it issues, good and bad.
 *
 * They say what real ones say, and are given to the same options; but they prove nothing, because nothing is signed and
 * nothing is encrypted in a simulation. No platform but the simulated one takes them.
 *
 * **Example**
 *
 * ```ts
 * import type * as Tls from "@sluice/core/Tls"
 * import * as SimCertificate from "@sluice/simulation/SimCertificate"
 *
 * const authority = SimCertificate.authority("Test CA")
 * const server: Tls.ServerOptions = { certificates: [authority.issue({ names: ["server"] })] }
 * const client: Tls.ClientOptions = { authorities: authority.certificate }
 * ```
 *
 * **Details**
 *
 * - The same words make the same certificate, with the same key. Where two must differ in nothing else, such as before and
 *   after a renewal, give them different serial numbers.
 * - `Simulation.run` begins at 0 milliseconds, which is 1970-01-01T00:00Z: `notAfter: new Date(3_600_000)` is an hour
 *   after the beginning.
 *
 * @since 0.1.0
 */
import * as CertificateName from "@sluice/core/CertificateName"
import * as DateTime from "effect/DateTime"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import {
  type Certificate,
  fingerprint,
  formatCertificate,
  formatKey,
  formatRevocationList,
  parseCertificates,
  publicKeyOf,
  sign
} from "./internal/kernel/tls/certificate/certificate.ts"
import { digestText } from "./internal/kernel/tls/handshake/digest.ts"

/**
 * What any certificate says.
 *
 * @since 0.1.0
 * @category options
 */
export interface CommonOptions {
  /** From when on it is valid. Default: always was (1950, RFC 5280, section 4.1.2.5). */
  readonly notBefore?: Date | undefined
  /** The last moment at which it is. Default: always will be (9999, ibidem). */
  readonly notAfter?: Date | undefined
  /** Tells apart certificates that say the same. Default: 1. */
  readonly serialNumber?: number | undefined
}

/**
 * What the certificate of a server or of a client says.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends CommonOptions {
  /** The hosts that it is for: domain names, with `*` as the first label if it is to be, and IP addresses. Default: none. */
  readonly names?: ReadonlyArray<string> | undefined
  /** Its common name. Default: the first of the names. */
  readonly commonName?: string | undefined
  /** Its whole subject, in place of a common name alone. Default: the common name. */
  readonly subject?: CertificateName.DistinguishedName | undefined
}

/**
 * A certificate with its key, as PEM text: what `Tls` options take as a certificate.
 *
 * @since 0.1.0
 * @category models
 */
export interface Issued {
  /** The certificate, and those of the authorities in between, up to the root and without it. */
  readonly chain: string
  readonly key: string
  /** What it can be pinned by, in place of a SHA-256 fingerprint. */
  readonly fingerprint256: string
}

/**
 * One who issues certificates.
 *
 * @since 0.1.0
 * @category models
 */
export interface Authority {
  /** Its own, to be trusted, as PEM text. */
  readonly certificate: string
  /** Issues a certificate for a server or a client. */
  readonly issue: (options?: Options) => Issued
  /** Makes another authority below this one. */
  readonly intermediate: (name: string, options?: CommonOptions) => Authority
  /** Makes the list of the certificates that it has revoked, as PEM text. */
  readonly revoke: (...certificates: ReadonlyArray<Pick<Issued, "chain">>) => string
}

/**
 * Makes an authority that vouches for itself.
 *
 * @since 0.1.0
 * @category constructors
 */
export const authority = (name: string, options: CommonOptions = {}): Authority => {
  const { certificate, privateKey } = make(undefined, nameOf(name), [], true, options)
  return makeAuthority(certificate, privateKey, [])
}

/**
 * Makes a certificate that vouches for itself.
 *
 * @since 0.1.0
 * @category constructors
 */
export const selfSigned = (options: Options = {}): Issued => {
  const { certificate, privateKey } = make(undefined, subjectOf(options), namesOf(options), false, options)
  return issued(certificate, privateKey, [])
}

const makeAuthority = (
  own: Certificate,
  privateKey: string,
  /** Those between it and the root, itself included. */
  chain: ReadonlyArray<Certificate>
): Authority => ({
  certificate: formatCertificate(own),
  issue: (options = {}) => {
    const made = make({ own, privateKey }, subjectOf(options), namesOf(options), false, options)
    return issued(made.certificate, made.privateKey, chain)
  },
  intermediate: (name, options = {}) => {
    const made = make({ own, privateKey }, nameOf(name), [], true, options)
    return makeAuthority(made.certificate, made.privateKey, [made.certificate, ...chain])
  },
  revoke: (...certificates) =>
    formatRevocationList({
      issuer: own.subject,
      issuerKey: own.publicKey,
      revoked: certificates.map(({ chain }) => fingerprint(parseCertificates(chain)[0]!))
    })
})

const make = (
  issuer: { readonly own: Certificate; readonly privateKey: string } | undefined,
  subject: string,
  names: ReadonlyArray<string>,
  isAuthority: boolean,
  options: CommonOptions
) => {
  const said = {
    subject,
    issuer: issuer?.own.subject ?? subject,
    names,
    notBefore: (options.notBefore ?? always.from).getTime(),
    notAfter: (options.notAfter ?? always.until).getTime(),
    serialNumber: options.serialNumber ?? 1,
    isAuthority
  }
  const privateKey = digestText("private key", issuer?.privateKey ?? "", JSON.stringify(said))
  const publicKey = publicKeyOf(privateKey)
  return { privateKey, certificate: sign({ ...said, publicKey, issuerKey: issuer?.own.publicKey ?? publicKey }) }
}

const always = {
  from: DateTime.toDateUtc(DateTime.makeUnsafe("1950-01-01T00:00:00Z")),
  until: DateTime.toDateUtc(DateTime.makeUnsafe("9999-12-31T23:59:59Z"))
}

const issued = (certificate: Certificate, privateKey: string, chain: ReadonlyArray<Certificate>): Issued => ({
  chain: [certificate, ...chain].map(formatCertificate).join(""),
  key: formatKey(privateKey),
  fingerprint256: fingerprint(certificate)
})

const nameOf = (commonName: string): string => CertificateName.format([{ type: "CN", value: commonName }])

const subjectOf = ({ commonName, names = [], subject }: Options): string =>
  subject === undefined ? nameOf(commonName ?? names[0] ?? "nobody") : CertificateName.format(subject)

const namesOf = ({ names = [] }: Options): ReadonlyArray<string> =>
  names.map((name) => {
    const ip = NetAddress.ipFromString(name)
    return Result.isSuccess(ip) ? `IP Address:${NetAddress.formatIp(ip.success)}` : `DNS:${name}`
  })
