import * as Redacted from "effect/Redacted"
import { oneOf, optionalInteger, reject } from "../../Options.ts"
import type * as Tls from "../../Tls.ts"
import { UnusableCertificate } from "../../TlsReason.ts"
import type { TlsClient, TlsKeyPair, TlsServer } from "./settings.ts"

/** Validates a client's options. The same object gives the same settings, so that everything prepared for them is shared. */
export const checkClient = (options: Tls.ClientOptions): TlsClient =>
  once(clients, options, () => ({
    _tag: "Client",
    ...checkCommon(options),
    serverName: serverName(options.serverName),
    certificate: options.certificate === undefined ? undefined : keyPair("tls.certificate", options.certificate),
    fingerprints: fingerprints(options),
    sessions: optionalInteger("tls.sessions", options.sessions, 0, 1_000_000) ?? 100,
    verify: options.dangerouslySkipVerification !== true
  }))

/** Validates a server's options, likewise once per object. */
export const checkServer = (options: Tls.ServerOptions): TlsServer =>
  once(servers, options, () => {
    const [first, ...others] = options.certificates ?? []
    if (first === undefined) {
      return reject("tls.certificates", options.certificates, "at least one certificate with its key")
    }
    const clientCertificates = oneOf(
      "tls.clientCertificates",
      options.clientCertificates ?? "off",
      ["off", "wanted", "required"]
    )
    if (clientCertificates !== "off" && options.authorities === undefined) {
      reject("tls.authorities", undefined, "the authorities to verify client certificates with")
    }
    return {
      _tag: "Server",
      ...checkCommon(options),
      certificates: [
        keyPair("tls.certificates[0]", first),
        ...others.map((each, index) => keyPair(`tls.certificates[${index + 1}]`, each))
      ],
      clientCertificates,
      resumption: options.resumption ?? true
    }
  })

const clients = new WeakMap<Tls.ClientOptions, TlsClient>()
const servers = new WeakMap<Tls.ServerOptions, TlsServer>()

/** The default time for a handshake, in milliseconds. */
export const defaultHandshakeTimeout = 10_000

/** Validates each options object once. */
export const once = <Options extends object, Checked>(
  known: WeakMap<Options, Checked>,
  options: Options,
  check: () => Checked
): Checked => {
  const before = known.get(options)
  if (before !== undefined) return before
  const checked = check()
  known.set(options, checked)
  return checked
}

const checkCommon = (options: Tls.CommonOptions) => ({
  authorities: options.authorities === undefined ? undefined : pems("tls.authorities", options.authorities),
  revocationLists: pems("tls.revocationLists", options.revocationLists ?? []),
  applicationProtocols: (options.applicationProtocols ?? []).map(applicationProtocol),
  minimumVersion: oneOf("tls.minimumVersion", options.minimumVersion ?? "TLSv1.2", ["TLSv1.2", "TLSv1.3"]),
  ciphers: options.ciphers === undefined ? undefined : cipherSuites(options.ciphers)
})

const cipherSuites = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (names.length === 0) reject("tls.ciphers", "empty", "at least one cipher suite")
  for (const name of names) {
    if (!/^TLS_[0-9A-Za-z_]+$/.test(name)) {
      reject("tls.ciphers", name, "the IANA name of a cipher suite, such as \"TLS_AES_128_GCM_SHA256\"")
    }
  }
  return names
}

const encoder = new TextEncoder()

// RFC 7301, section 3.1: 1 to 255 bytes.
const applicationProtocol = (protocol: string): string => {
  const length = encoder.encode(protocol).length
  return length >= 1 && length <= 255
    ? protocol
    : reject("tls.applicationProtocols", protocol, "names of 1 to 255 bytes, such as \"h2\"")
}

// OpenSSL matches a name with a leading dot against all names below the domain (X509_check_host(3)).
const serverName = (name: string | undefined): string | undefined =>
  name === undefined || /^[^\s/\0.][^\s/\0]*$/.test(name)
    ? name
    : reject("tls.serverName", name, "a domain name or an IP address")

// A program that pins a certificate relies on the pin.
const fingerprints = ({ dangerouslySkipVerification, fingerprints = [] }: Tls.ClientOptions): ReadonlyArray<string> =>
  fingerprints.length > 0 && dangerouslySkipVerification === true
    ? reject(
      "tls.fingerprints",
      fingerprints.length,
      "none together with dangerouslySkipVerification; to trust a certificate, add it to authorities"
    )
    : fingerprints.map(fingerprint)

const fingerprint = (text: string): string => {
  const digits = text.replaceAll(":", "").toUpperCase()
  return /^[0-9A-F]{64}$/.test(digits)
    ? digits.match(/../g)!.join(":")
    : reject("tls.fingerprints", text, "the SHA-256 fingerprint of a certificate: 64 hexadecimal digits")
}

const keyPair = (option: string, { chain, key, passphrase }: Tls.Certificate): TlsKeyPair => {
  const redacted = typeof key === "string" ? Redacted.make(key) : key
  pem(`${option}.key`, Redacted.value(redacted))
  if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(chain) && !/-----BEGIN [A-Z0-9 ]*CERTIFICATE-/.test(chain)) {
    const fix = "give the certificate as chain, and the private key as key"
    throw new UnusableCertificate({ option: `${option}.chain`, why: "it is a private key", fix })
  }
  return { option, chain: pem(`${option}.chain`, chain), key: redacted, passphrase }
}

const pems = (option: string, texts: string | ReadonlyArray<string>): ReadonlyArray<string> =>
  (typeof texts === "string" ? [texts] : texts).map((text) => pem(option, text))

// The error leaves out the text, because it may be a key.
const pem = (option: string, text: string): string => {
  if (/-----BEGIN [^-]+-----[^]*-----END [^-]+-----/.test(text)) return text
  throw new UnusableCertificate({ option, why: "it has no PEM block" })
}
