/**
 * Certificates for tests and experiments: a certificate authority, and the valid and invalid certificates that it issues.
 *
 * Requires the packages `@peculiar/x509` and `reflect-metadata`. Only programs configured to do so trust these certificates.
 *
 * **Example**
 *
 * ```ts
 * import type * as Tls from "@sluice/core/Tls"
 * import * as Certificates from "@sluice/node/TestCertificates"
 * import * as Effect from "effect/Effect"
 *
 * const options = Effect.gen(function*() {
 *   const authority = yield* Certificates.authority("Test CA")
 *   const server: Tls.ServerOptions = { certificates: [yield* authority.issue({ names: ["localhost", "127.0.0.1"] })] }
 *   const client: Tls.ClientOptions = { authorities: authority.certificate }
 *   return { client, server }
 * })
 * ```
 *
 * @since 0.1.0
 */
// First, because the next import needs it while it loads.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata"

import * as X509 from "@peculiar/x509"
import type * as CertificateName from "@sluice/core/CertificateName"
import * as Effect from "effect/Effect"
import { webcrypto } from "node:crypto"
import * as Net from "node:net"

/**
 * The content of a certificate.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The hosts that it is valid for: domain names, with `*` as the first label for wildcards, and IP addresses. Default: none. */
  readonly names?: ReadonlyArray<string> | undefined
  /** Its common name. Default: the first of the names. */
  readonly commonName?: string | undefined
  /** Its whole subject, in place of a common name alone. Default: the common name. */
  readonly subject?: CertificateName.DistinguishedName | undefined
  /** Default: an hour ago. */
  readonly notBefore?: Date | undefined
  /** Default: in thirty days. */
  readonly notAfter?: Date | undefined
  /** The kind of its key: P-256, or RSA with 2048 bits. Default: `"ec"`. */
  readonly key?: "ec" | "rsa" | undefined
}

/**
 * A certificate with its key, as PEM text.
 *
 * @since 0.1.0
 * @category models
 */
export interface Issued {
  /** The certificate followed by its intermediate certificates, without the root. */
  readonly chain: string
  readonly key: string
  readonly serialNumber: string
}

/**
 * A certificate authority.
 *
 * @since 0.1.0
 * @category models
 */
export interface Authority {
  /** Its own certificate, for `authorities`, as PEM text. */
  readonly certificate: string
  /** Issues a certificate for a server or a client. */
  readonly issue: (options?: Options) => Effect.Effect<Issued>
  /** Makes an intermediate authority. */
  readonly intermediate: (name: string) => Effect.Effect<Authority>
  /** Makes a revocation list of the certificates (RFC 5280), as PEM text. */
  readonly revoke: (...certificates: ReadonlyArray<Issued>) => Effect.Effect<string>
}

const algorithms = {
  ec: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  rsa: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048
  }
} as const

type KeyPair = webcrypto.CryptoKeyPair

const hour = 3_600_000

/**
 * Makes a root authority.
 *
 * @since 0.1.0
 * @category constructors
 */
export const authority = (name: string): Effect.Effect<Authority> =>
  Effect.promise(async () => {
    const keys = await makeKeys("ec")
    const certificate = await X509.X509CertificateGenerator.createSelfSigned({
      ...validity({}),
      serialNumber: serialNumber(),
      name: named(name),
      keys,
      signingAlgorithm: algorithms.ec,
      extensions: await authorityExtensions(keys.publicKey)
    }, webcrypto as Crypto)
    return makeAuthority(certificate, keys, [])
  })

/**
 * Makes a self-signed certificate.
 *
 * @since 0.1.0
 * @category constructors
 */
export const selfSigned = (options: Options = {}): Effect.Effect<Issued> =>
  Effect.promise(async () => {
    const keys = await makeKeys(options.key ?? "ec")
    const certificate = await X509.X509CertificateGenerator.createSelfSigned({
      ...validity(options),
      serialNumber: serialNumber(),
      name: subjectOf(options),
      keys,
      signingAlgorithm: algorithms[options.key ?? "ec"],
      extensions: extensions(options)
    }, webcrypto as Crypto)
    return issued(certificate, keys, [])
  })

const makeAuthority = (
  certificate: X509.X509Certificate,
  keys: KeyPair,
  /** The intermediate authorities up to the root, this one included. */
  chain: ReadonlyArray<X509.X509Certificate>
): Authority => {
  const sign = (subject: X509.Name, publicKey: CryptoKey, options: Options, itsExtensions: Array<X509.Extension>) =>
    X509.X509CertificateGenerator.create({
      ...validity(options),
      serialNumber: serialNumber(),
      subject,
      issuer: certificate.subjectName,
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithms.ec,
      extensions: itsExtensions
    }, webcrypto as Crypto)
  return {
    certificate: certificate.toString("pem"),
    issue: (options = {}) =>
      Effect.promise(async () => {
        const itsKeys = await makeKeys(options.key ?? "ec")
        const leaf = await sign(subjectOf(options), itsKeys.publicKey, options, extensions(options))
        return issued(leaf, itsKeys, chain)
      }),
    intermediate: (name) =>
      Effect.promise(async () => {
        const itsKeys = await makeKeys("ec")
        const its = await sign(named(name), itsKeys.publicKey, {}, await authorityExtensions(itsKeys.publicKey))
        return makeAuthority(its, itsKeys, [its, ...chain])
      }),
    revoke: (...certificates) =>
      Effect.promise(async () => {
        const list = await X509.X509CrlGenerator.create({
          issuer: certificate.subjectName,
          thisUpdate: new Date(Date.now() - hour),
          nextUpdate: new Date(Date.now() + 30 * 24 * hour),
          signingAlgorithm: algorithms.ec,
          signingKey: keys.privateKey,
          entries: certificates.map((each) => ({ serialNumber: each.serialNumber, revocationDate: new Date() }))
        }, webcrypto as Crypto)
        return X509.PemConverter.encode(list.rawData, "X509 CRL")
      })
  }
}

const makeKeys = (kind: "ec" | "rsa"): Promise<KeyPair> =>
  webcrypto.subtle.generateKey(algorithms[kind], true, ["sign", "verify"]) as Promise<KeyPair>

const issued = async (
  leaf: X509.X509Certificate,
  keys: KeyPair,
  chain: ReadonlyArray<X509.X509Certificate>
): Promise<Issued> => ({
  chain: [leaf, ...chain].map((certificate) => certificate.toString("pem")).join("\n"),
  key: X509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY"),
  serialNumber: leaf.serialNumber
})

const validity = ({ notAfter, notBefore }: Options) => ({
  notBefore: notBefore ?? new Date(Date.now() - hour),
  notAfter: notAfter ?? new Date(Date.now() + 30 * 24 * hour)
})

const extensions = ({ names = [] }: Options): Array<X509.Extension> => [
  new X509.BasicConstraintsExtension(false, undefined, true),
  new X509.KeyUsagesExtension(X509.KeyUsageFlags.digitalSignature, true),
  new X509.ExtendedKeyUsageExtension([X509.ExtendedKeyUsage.serverAuth, X509.ExtendedKeyUsage.clientAuth]),
  ...(names.length === 0 ? [] : [
    new X509.SubjectAlternativeNameExtension(
      names.map((name) => ({ type: Net.isIP(name) === 0 ? "dns" : "ip", value: name }))
    )
  ])
]

const authorityExtensions = async (key: CryptoKey): Promise<Array<X509.Extension>> => [
  new X509.BasicConstraintsExtension(true, undefined, true),
  new X509.KeyUsagesExtension(X509.KeyUsageFlags.keyCertSign | X509.KeyUsageFlags.cRLSign, true),
  await X509.SubjectKeyIdentifierExtension.create(key, false, webcrypto as Crypto)
]

// Typed, because the library would parse quotes and `#` in plain text.
const attribute = (type: string, value: string) => ({ [type]: [{ utf8String: value }] })

const named = (commonName: string): X509.Name => new X509.Name([attribute("CN", commonName)])

const subjectOf = ({ commonName, names = [], subject }: Options): X509.Name =>
  subject === undefined
    ? named(commonName ?? names[0] ?? "nobody")
    : new X509.Name(subject.map(({ type, value }) => attribute(type, value)))

// Positive, and not zero: RFC 5280, section 4.1.2.2.
const serialNumber = (): string => {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0] = bytes[0]! & 0x7f | 0x40
  return Buffer.from(bytes).toString("hex")
}
