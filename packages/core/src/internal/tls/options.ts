import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as NetworkError from "../../NetworkError.ts"
import { oneOf, optionalInteger, reject } from "../../Options.ts"
import type * as Tls from "../../Tls.ts"
import { UnusableCertificate } from "../../TlsReason.ts"

/** Checks a client's options. Those that are the same object have the same outcome, so that what is made of it is shared. */
export const checkClient = (options: Tls.ClientOptions): Tls.Client =>
  once(clients, options, () => ({
    _tag: "Client",
    ...checkCommon(options),
    serverName: serverName(options.serverName),
    certificate: options.certificate === undefined ? undefined : keyPair("tls.certificate", options.certificate),
    fingerprints: fingerprints(options),
    sessions: optionalInteger("tls.sessions", options.sessions, 0, 1_000_000) ?? 100,
    verify: options.dangerouslySkipVerification !== true
  }))

/** Checks a server's options, in the same way. */
export const checkServer = (options: Tls.ServerOptions): Tls.Server =>
  once(servers, options, () => {
    const [first, ...others] = options.certificates ?? []
    if (first === undefined) return reject("tls.certificates", "empty", "at least one certificate with its key")
    const clientCertificates = oneOf(
      "tls.clientCertificates",
      options.clientCertificates ?? "off",
      ["off", "wanted", "required"]
    )
    if (clientCertificates !== "off" && options.authorities === undefined) {
      reject("tls.authorities", undefined, "the authorities that clients' certificates are verified with")
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

/** A server's settings as they are now, for those that change and those that do not. */
export interface Settings {
  readonly current: Tls.Server
  /** Prepares for the settings, and for each that follow before they are taken, for as long as the Scope is open. */
  readonly use: (prepare: Prepare) => Effect.Effect<void, NetworkError.NetworkError, Scope.Scope>
  /** The settings as they are now, prepared for; or those before them, if nobody could tell by then that they are bad. */
  readonly prepared: (prepare: Prepare) => Effect.Effect<Tls.Server, NetworkError.NetworkError>
}

/** Prepares for settings, or says why they cannot be used. */
export type Prepare = (settings: Tls.Server) => Effect.Effect<unknown, NetworkError.NetworkError>

export const reloadingTypeId = "~@sluice/core/Tls/Reloading"

/** The settings that a server's options stand for. */
export const settingsOf = (options: Tls.ServerOptions | Tls.Reloading): Settings => {
  if (Predicate.hasProperty(options, reloadingTypeId)) return options as Tls.Reloading & Settings
  const current = checkServer(options as Tls.ServerOptions)
  return {
    current,
    use: (prepare) => Effect.asVoid(prepare(current)),
    prepared: (prepare) => Effect.as(prepare(current), current)
  }
}

const clients = new WeakMap<Tls.ClientOptions, Tls.Client>()
const servers = new WeakMap<Tls.ServerOptions, Tls.Server>()

/** What was made of the options the first time, if they are the same object. */
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
  minimumVersion: oneOf("tls.minimumVersion", options.minimumVersion ?? "TLSv1.2", ["TLSv1.2", "TLSv1.3"])
})

const encoder = new TextEncoder()

// RFC 7301, section 3.1: 1 to 255 bytes.
const applicationProtocol = (protocol: string): string => {
  const length = encoder.encode(protocol).length
  return length >= 1 && length <= 255
    ? protocol
    : reject("tls.applicationProtocols", protocol, "names of 1 to 255 bytes, such as \"h2\"")
}

// A dot in front would stand for all names below the domain (X509_check_host(3)).
const serverName = (name: string | undefined): string | undefined =>
  name === undefined || /^[^\s/\0.][^\s/\0]*$/.test(name)
    ? name
    : reject("tls.serverName", name, "a domain name or an IP address")

/**
 * Whom a client means: by the name that its options have, or by the host that it connected to. As certificates and SNI have
 * it: without the dot of the root (RFC 6066, section 3), and without a zone.
 */
export const serverNameOf = (settings: Tls.Client, dialled: string | undefined): string | undefined =>
  (settings.serverName ?? dialled)?.replace(/\.$|%.*$/, "")

// Whoever pins a certificate relies on it.
const fingerprints = ({ dangerouslySkipVerification, fingerprints = [] }: Tls.ClientOptions): ReadonlyArray<string> =>
  fingerprints.length > 0 && dangerouslySkipVerification === true
    ? reject(
      "tls.fingerprints",
      fingerprints.length,
      "none of them with dangerouslySkipVerification; trust a certificate by giving it as one of the authorities"
    )
    : fingerprints.map(fingerprint)

const fingerprint = (text: string): string => {
  const digits = text.replaceAll(":", "").toUpperCase()
  return /^[0-9A-F]{64}$/.test(digits)
    ? digits.match(/../g)!.join(":")
    : reject("tls.fingerprints", text, "the SHA-256 fingerprint of a certificate: 64 hexadecimal digits")
}

const keyPair = (option: string, { chain, key, passphrase }: Tls.Certificate): Tls.KeyPair => {
  const redacted = typeof key === "string" ? Redacted.make(key) : key
  pem(`${option}.key`, Redacted.value(redacted))
  return { option, chain: pem(`${option}.chain`, chain), key: redacted, passphrase }
}

const pems = (option: string, texts: string | ReadonlyArray<string>): ReadonlyArray<string> =>
  (typeof texts === "string" ? [texts] : texts).map((text) => pem(option, text))

// The text is not part of the error: it may be a key.
const pem = (option: string, text: string): string => {
  if (/-----BEGIN [^-]+-----[^]*-----END [^-]+-----/.test(text)) return text
  throw new UnusableCertificate({ option, why: "there is no PEM block in it" })
}
