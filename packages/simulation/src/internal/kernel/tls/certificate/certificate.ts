import { digestText } from "../handshake/digest.ts"
import { Fields, Malformed, parseJson } from "../handshake/fields.ts"
import { formatPem, parsePem } from "./pem.ts"

/** A simulated certificate: what a real one says, and nothing that proves it. */
export interface Certificate {
  readonly subject: string
  readonly issuer: string
  /** As `PeerCertificate.alternativeNames` has them. */
  readonly names: ReadonlyArray<string>
  /** Milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  readonly serialNumber: number
  /** Whether it may issue others. */
  readonly isAuthority: boolean
  /** What the private key is known by, and that of its issuer. */
  readonly publicKey: string
  readonly issuerKey: string
  readonly signature: string
}

/** What an issuer signs. */
export type Statement = Omit<Certificate, "signature">

// Its fields in an order of their own, so that the same certificate is always the same text.
const stated = (certificate: Statement): Statement => ({
  subject: certificate.subject,
  issuer: certificate.issuer,
  names: certificate.names,
  notBefore: certificate.notBefore,
  notAfter: certificate.notAfter,
  serialNumber: certificate.serialNumber,
  isAuthority: certificate.isAuthority,
  publicKey: certificate.publicKey,
  issuerKey: certificate.issuerKey
})

const signatureOf = (statement: Statement): string =>
  digestText("signature", statement.issuerKey, JSON.stringify(stated(statement)))

export const sign = (statement: Statement): Certificate => ({ ...stated(statement), signature: signatureOf(statement) })

export const isSignatureGood = (certificate: Certificate): boolean => signatureOf(certificate) === certificate.signature

export const isSelfSigned = (certificate: Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.publicKey === certificate.issuerKey

const toText = (certificate: Certificate): string =>
  JSON.stringify({ ...stated(certificate), signature: certificate.signature })

/** In capitals, with colons. */
export const fingerprint = (certificate: Certificate): string =>
  digestText("certificate", toText(certificate)).toUpperCase().match(/../g)!.join(":")

/** Reads a certificate from outside. */
export const decodeCertificate = (value: unknown): Certificate => {
  const fields = value instanceof Fields ? value : new Fields(value)
  return {
    subject: fields.text("subject"),
    issuer: fields.text("issuer"),
    names: fields.texts("names"),
    notBefore: date(fields, "notBefore"),
    notAfter: date(fields, "notAfter"),
    serialNumber: fields.number("serialNumber"),
    isAuthority: fields.flag("isAuthority"),
    publicKey: fields.text("publicKey"),
    issuerKey: fields.text("issuerKey"),
    signature: fields.text("signature")
  }
}

const date = (fields: Fields, name: string): number => {
  const millis = fields.number(name)
  // What a Date can be (ECMA-262, section 21.4.1.1).
  if (Math.abs(millis) <= 8.64e15) return millis
  throw new Malformed(`${name} is not a date`)
}

export const formatCertificate = (certificate: Certificate): string =>
  formatPem("SIMULATED CERTIFICATE", toText(certificate))

export const parseCertificates = (text: string): ReadonlyArray<Certificate> =>
  parsePem("SIMULATED CERTIFICATE", text).map((content) => decodeCertificate(parseJson(content)))

// ---------------------------------------------------------------------------------------------------------------------
// Keys
// ---------------------------------------------------------------------------------------------------------------------

/** What a private key is known by. */
export const publicKeyOf = (privateKey: string): string => digestText("public key", privateKey)

export const formatKey = (privateKey: string): string =>
  formatPem("SIMULATED PRIVATE KEY", JSON.stringify({ privateKey }))

export const parseKey = (text: string): string => {
  const keys = parsePem("SIMULATED PRIVATE KEY", text)
  if (keys.length !== 1) throw new Malformed(`there are ${keys.length} keys in it`)
  return parseJson(keys[0]!).text("privateKey")
}

// ---------------------------------------------------------------------------------------------------------------------
// Revocation
// ---------------------------------------------------------------------------------------------------------------------

/** What an authority has revoked. */
export interface RevocationList {
  readonly issuer: string
  readonly issuerKey: string
  /** Fingerprints. */
  readonly revoked: ReadonlyArray<string>
}

export const formatRevocationList = (list: RevocationList): string =>
  formatPem("SIMULATED REVOCATION LIST", JSON.stringify(list))

export const parseRevocationLists = (text: string): ReadonlyArray<RevocationList> =>
  parsePem("SIMULATED REVOCATION LIST", text).map((content) => {
    const fields = parseJson(content)
    return { issuer: fields.text("issuer"), issuerKey: fields.text("issuerKey"), revoked: fields.texts("revoked") }
  })
