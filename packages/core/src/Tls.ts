/**
 * TLS: the certificates that a server presents, the authorities that a client trusts, and what each side knows of the other
 * after the handshake. All options are plain values.
 *
 * **Example** (a server)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as Tls from "@sluice/core/Tls"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Echo = Layer.unwrap(Effect.gen(function*() {
 *   const tls = yield* Tls.loadServer({
 *     certificates: [{ chain: "/etc/echo/chain.pem", key: "/etc/echo/key.pem" }]
 *   })
 *   return Server.layer({ listen: "tls://0.0.0.0:9443", tls }, (connection) => Connection.pipeTo(connection, connection))
 * }))
 * ```
 *
 * **Example** (a client)
 *
 * ```ts
 * import * as Network from "@sluice/core/Network"
 * import type * as Tls from "@sluice/core/Tls"
 *
 * const tls: Tls.ClientOptions = { applicationProtocols: ["smtp"], minimumVersion: "TLSv1.3" }
 *
 * const connect = Network.connect("tls://example.org:443", { tls })
 * ```
 *
 * **Details**
 *
 * - Clients verify the server's certificate: its chain up to a trusted authority, its dates and its name.
 * - Keep options in a constant: they are validated once per object, and connections with the same object share the prepared
 *   context and the sessions that can be resumed.
 * - Cipher suites are chosen by the server's preference. By default all have forward secrecy and authenticated encryption.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as SubscriptionRef from "effect/SubscriptionRef"
import type { DistinguishedName } from "./CertificateName.ts"
import * as files from "./internal/tls/files.ts"
import * as internal from "./internal/tls/reloading.ts"
import type { reloadingTypeId } from "./internal/tls/serverSettings.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as TlsReason from "./TlsReason.ts"

/**
 * A version of the protocol (RFC 5246, RFC 8446).
 *
 * @since 0.1.0
 * @category models
 */
export type Version = "TLSv1.2" | "TLSv1.3"

/**
 * A certificate with its key: what one side presents to the other.
 *
 * @since 0.1.0
 * @category options
 */
export interface Certificate {
  /** The certificate followed by its intermediate certificates, in order, without the root: PEM text (RFC 7468). */
  readonly chain: string
  /** The private key of the certificate: PEM text. */
  readonly key: Redacted.Redacted<string> | string
  /** The passphrase of an encrypted key. */
  readonly passphrase?: Redacted.Redacted<string> | undefined
}

/**
 * The default cipher suites: those with forward secrecy and authenticated encryption (RFC 9325, section 4.2), neither CBC nor
 * RSA key exchange. Add to them for an old peer: `ciphers: [...Tls.defaultCiphers, "TLS_RSA_WITH_AES_128_CBC_SHA"]`.
 *
 * @since 0.1.0
 * @category options
 */
export const defaultCiphers: ReadonlyArray<string> = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
]

/**
 * Options of both roles.
 *
 * @since 0.1.0
 * @category options
 */
export interface CommonOptions {
  /**
   * The trusted certificates, of authorities or of single peers, as PEM text. Default: those of the platform for a client,
   * none for a server.
   */
  readonly authorities?: string | ReadonlyArray<string> | undefined
  /** Certificate revocation lists (RFC 5280) as PEM text, one per authority. Default: none. */
  readonly revocationLists?: string | ReadonlyArray<string> | undefined
  /** Application protocols to negotiate, preferred first (ALPN, RFC 7301). Default: not negotiated. */
  readonly applicationProtocols?: ReadonlyArray<string> | undefined
  /** The lowest version allowed. Default: `"TLSv1.2"`. */
  readonly minimumVersion?: Version | undefined
  /**
   * The cipher suites allowed, preferred first, by their IANA names. A server chooses by its own order. A version of TLS none
   * of whose suites is listed is not used. Default: {@link defaultCiphers}.
   */
  readonly ciphers?: ReadonlyArray<string> | undefined
}

/**
 * Options of a client.
 *
 * @since 0.1.0
 * @category options
 */
export interface ClientOptions extends CommonOptions {
  /** The name that the server's certificate must be valid for, sent to the server too (SNI, RFC 6066). Default: the host. */
  readonly serverName?: string | undefined
  /** The certificate for servers that request one. Default: none. */
  readonly certificate?: Certificate | undefined
  /**
   * Accept only a server certificate with one of these SHA-256 fingerprints, with or without colons. The certificate is
   * verified as well. Default: not pinned.
   */
  readonly fingerprints?: ReadonlyArray<string> | undefined
  /**
   * The number of sessions to keep for resumption, one per server. Resuming saves the next handshake the certificates (RFC
   * 8446, section 2.2). 0 disables resumption. Default: 100.
   */
  readonly sessions?: number | undefined
  /**
   * Accept any certificate, so that an attacker on the path can read and change everything. `Session.unverified` has the
   * problem that was ignored. Excludes `fingerprints`. Default: `false`.
   */
  readonly dangerouslySkipVerification?: boolean | undefined
}

/**
 * Options of a server.
 *
 * @since 0.1.0
 * @category options
 */
export interface ServerOptions extends CommonOptions {
  /**
   * The certificates to present. A client that asks for a name (SNI, RFC 6066) gets the first certificate with that name, or
   * the first with a matching wildcard; otherwise the first of all.
   */
  readonly certificates: readonly [Certificate, ...Array<Certificate>]
  /**
   * Whether to request client certificates, which are verified with `authorities`. `"wanted"`: problems are in
   * `Session.unverified`. `"required"`: clients without a valid certificate are rejected. Default: `"off"`.
   */
  readonly clientCertificates?: "off" | "wanted" | "required" | undefined
  /** Whether clients may resume sessions (RFC 8446, section 2.2; RFC 5077). Default: `true`. */
  readonly resumption?: boolean | undefined
}

/**
 * A `Certificate` as paths of PEM files.
 *
 * @since 0.1.0
 * @category options
 */
export interface CertificateFiles {
  readonly chain: string
  readonly key: string
  readonly passphrase?: Redacted.Redacted<string> | undefined
}

/**
 * `ClientOptions` with paths of PEM files in place of PEM text.
 *
 * @since 0.1.0
 * @category options
 */
export interface ClientFiles extends Omit<ClientOptions, "certificate"> {
  readonly certificate?: CertificateFiles | undefined
}

/**
 * `ServerOptions` with paths of PEM files in place of PEM text.
 *
 * @since 0.1.0
 * @category options
 */
export interface ServerFiles extends Omit<ServerOptions, "certificates"> {
  readonly certificates: readonly [CertificateFiles, ...Array<CertificateFiles>]
}

/**
 * Reads the files of a client.
 *
 * Fails with `UnusableCertificate` if a file cannot be read or has no PEM text. Logs a warning for a key file that every user
 * of the machine can read.
 *
 * @since 0.1.0
 * @category constructors
 */
export const loadClient: (
  files: ClientFiles
) => Effect.Effect<ClientOptions, NetworkError.NetworkError, FileSystem.FileSystem> = files.loadClient

/**
 * Reads the files of a server.
 *
 * Fails with `UnusableCertificate` if a file cannot be read or has no PEM text. Logs a warning for a key file that every user
 * of the machine can read.
 *
 * @since 0.1.0
 * @category constructors
 */
export const loadServer: (
  files: ServerFiles
) => Effect.Effect<ServerOptions, NetworkError.NetworkError, FileSystem.FileSystem> = files.loadServer

/**
 * A server's options that follow their files. Accepted wherever `ServerOptions` are.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reloading {
  readonly [reloadingTypeId]: typeof reloadingTypeId
  /** The outcome of the last look at the files, and its changes. */
  readonly state: SubscriptionRef.SubscriptionRef<ReloadState>
  /** Looks at the files now. */
  readonly reload: Effect.Effect<void>
}

/**
 * Which certificates a server presents.
 *
 * - `Current`: those in the files.
 * - `Kept`: those that were in the files before, because the files cannot be used now; `error` says why.
 *
 * `since` is when the certificates presented came into use, and `lookedAt` when the files were last looked at, both in
 * milliseconds of the `Clock`; `saw` is what was there.
 *
 * @since 0.1.0
 * @category models
 */
export type ReloadState =
  | {
    readonly _tag: "Current"
    readonly since: number
    readonly lookedAt: number
    readonly saw: ReadonlyArray<SeenFile>
  }
  | {
    readonly _tag: "Kept"
    readonly since: number
    readonly lookedAt: number
    readonly saw: ReadonlyArray<SeenFile>
    readonly error: NetworkError.NetworkError
  }

/**
 * A file as a look at it found it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SeenFile {
  readonly path: string
  /** Its path without links; `undefined` if there is no such file. */
  readonly realPath: string | undefined
  /** When its content was last changed, if the file system says so. */
  readonly modifiedAt: Date | undefined
}

/**
 * Reads a server's files, and again by a schedule, or whenever they change: `"watch"`. New handshakes use the files' current
 * certificates; open connections are unaffected. If the new files cannot be used (half written, or a key that does not match
 * its certificate), the server keeps the previous ones, logs a warning and says so in `state`.
 *
 * `"watch"` sees files that are rewritten or renamed into place, and links and folders on the way to them that are replaced.
 * It also looks once a minute, for file systems that report no changes.
 *
 * The first time, it fails as `loadServer` does.
 *
 * **Example**
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 * import * as Tls from "@sluice/core/Tls"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schedule from "effect/Schedule"
 *
 * const Echo = Layer.unwrap(Effect.gen(function*() {
 *   const certificates = [{ chain: "/etc/echo/chain.pem", key: "/etc/echo/key.pem" }] as const
 *   const tls = yield* Tls.reloading({ certificates }, Schedule.spaced("10 minutes"))
 *   return Server.layer({ listen: "tls://0.0.0.0:9443", tls }, (connection) => Connection.pipeTo(connection, connection))
 * }))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const reloading: <A>(
  files: ServerFiles,
  when: Schedule.Schedule<A> | "watch"
) => Effect.Effect<Reloading, NetworkError.NetworkError, FileSystem.FileSystem | Scope.Scope> = internal.reloading

/**
 * A peer's certificate.
 *
 * @since 0.1.0
 * @category models
 */
export interface PeerCertificate {
  /** Its owner: `[{ type: "CN", value: "example.org" }]`. `CertificateName.format` is its text for people. */
  readonly subject: DistinguishedName
  /** The authority that issued it. */
  readonly issuer: DistinguishedName
  /** The names it is valid for: `"DNS:example.org"`, `"IP Address:127.0.0.1"`, `"email:…"`, `"URI:…"` (RFC 5280). */
  readonly alternativeNames: ReadonlyArray<string>
  readonly notBefore: Date
  readonly notAfter: Date
  /** Its SHA-256 fingerprint: `"AB:CD:…"`. */
  readonly fingerprint256: string
}

/**
 * What was negotiated, and who the peer is.
 *
 * @since 0.1.0
 * @category models
 */
export interface Session {
  readonly protocol: Version
  /** The cipher suite by its IANA name: `"TLS_AES_128_GCM_SHA256"`. */
  readonly cipher: string
  /** The negotiated application protocol (ALPN), if any. */
  readonly applicationProtocol: string | undefined
  /** The name that the client asked for (SNI), if any. */
  readonly serverName: string | undefined
  /** Whether an earlier session was resumed. */
  readonly resumed: boolean
  /** The peer's certificate, if it sent one. */
  readonly peerCertificate: PeerCertificate | undefined
  /** Whether `peerCertificate` was verified successfully. */
  readonly verified: boolean
  /** Why verification failed, if it did. */
  readonly unverified: TlsReason.TlsReason | undefined
}

/**
 * Whether bytes begin with a `ClientHello`, the first message of a TLS client (RFC 8446, section 4.1.2), in a record of
 * its own (section 5.1); `undefined` while there are too few. Six bytes are enough. For `Server.sniff`.
 *
 * @since 0.1.0
 * @category guards
 */
export const isClientHello = (first: Uint8Array): boolean | undefined => {
  const [contentType = handshakeRecord, major = 3, minor = 0, , , messageType] = first
  if (contentType !== handshakeRecord || major !== 3 || minor > 4) return false
  return messageType === undefined ? undefined : messageType === clientHello
}

const handshakeRecord = 22
const clientHello = 1
