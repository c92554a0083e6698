/**
 * TLS: what a server shows and a client trusts, as plain values, and what both know of each other afterwards.
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
 * - Clients verify: the chain up to an authority that is trusted, the dates, and the name.
 * - Options that are kept in a constant are read once. What is made of them, sessions to resume included, is shared by all
 *   connections that use the same value.
 */
import type * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as SubscriptionRef from "effect/SubscriptionRef"
import * as files from "./internal/tls/files.ts"
import type { typeId } from "./internal/tls/reloading.ts"
import * as internal from "./internal/tls/reloading.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as TlsReason from "./TlsReason.ts"

/** A version of the protocol: RFC 5246, RFC 8446. */
export type Version = "TLSv1.2" | "TLSv1.3"

/** A certificate with its key: what one side shows to the other. */
export interface Certificate {
  /** The certificate and those that issued it, in this order, without the root: PEM text (RFC 7468). */
  readonly chain: string
  /** The private key of the certificate: PEM text. */
  readonly key: Redacted.Redacted<string> | string
  /** What the key is encrypted with, if it is. */
  readonly passphrase?: Redacted.Redacted<string> | undefined
}

/** What both sides can say. */
export interface CommonOptions {
  /**
   * Whom to trust: the certificates of authorities, or of single peers, as PEM text. Default: the platform's own, for a
   * client; nobody, for a server.
   */
  readonly authorities?: string | ReadonlyArray<string> | undefined
  /** Certificates that were revoked: lists (CRLs, RFC 5280) as PEM text, one of each authority. Default: none. */
  readonly revocationLists?: string | ReadonlyArray<string> | undefined
  /** What to speak over it, the preferred first (ALPN, RFC 7301). Default: not negotiated. */
  readonly applicationProtocols?: ReadonlyArray<string> | undefined
  /** The least version to speak. Default: `"TLSv1.2"`. */
  readonly minimumVersion?: Version | undefined
}

/** How a client makes a connection secure. */
export interface ClientOptions extends CommonOptions {
  /** The name that the server's certificate must be for, and that it is asked for (SNI, RFC 6066). Default: the host. */
  readonly serverName?: string | undefined
  /** What to show to servers that want to know who asks. Default: nothing. */
  readonly certificate?: Certificate | undefined
  /**
   * Accept only servers whose certificate has one of these SHA-256 fingerprints, with or without colons. It is verified
   * all the same. Default: not pinned.
   */
  readonly fingerprints?: ReadonlyArray<string> | undefined
  /**
   * How many sessions to keep in order to resume them, one for each server: that saves the next handshake the certificates
   * (RFC 8446, section 2.2). 0: none. Default: 100.
   */
  readonly sessions?: number | undefined
  /**
   * Take any certificate of anybody, so that somebody in between can read and change everything. What is wrong with it is
   * in `Session.unverified`. It excludes `fingerprints`. Default: `false`.
   */
  readonly dangerouslySkipVerification?: boolean | undefined
}

/** How a server makes its connections secure. */
export interface ServerOptions extends CommonOptions {
  /**
   * What to show: of several certificates the first that has the name that the client asks for (SNI, RFC 6066), or a
   * wildcard for it, or the first of all.
   */
  readonly certificates: readonly [Certificate, ...Array<Certificate>]
  /**
   * Whether to ask clients for certificates, which are verified with `authorities`. `"wanted"`: what is wrong with one is
   * in `Session.unverified`. `"required"`: clients without a good one are turned away. Default: `"off"`.
   */
  readonly clientCertificates?: "off" | "wanted" | "required" | undefined
  /** Whether clients may resume their sessions (RFC 8446, section 2.2; RFC 5077). Default: `true`. */
  readonly resumption?: boolean | undefined
}

/** Where a `Certificate` is: paths of PEM files. */
export interface CertificateFiles {
  readonly chain: string
  readonly key: string
  readonly passphrase?: Redacted.Redacted<string> | undefined
}

/** `ClientOptions` with paths of PEM files in place of their text. */
export interface ClientFiles extends Omit<ClientOptions, "certificate"> {
  readonly certificate?: CertificateFiles | undefined
}

/** `ServerOptions` with paths of PEM files in place of their text. */
export interface ServerFiles extends Omit<ServerOptions, "certificates"> {
  readonly certificates: readonly [CertificateFiles, ...Array<CertificateFiles>]
}

/**
 * Reads the files of a client.
 *
 * Fails with `UnusableCertificate` when one cannot be read, or has no PEM text in it.
 */
export const loadClient: (
  files: ClientFiles
) => Effect.Effect<ClientOptions, NetworkError.NetworkError, FileSystem.FileSystem> = files.loadClient

/**
 * Reads the files of a server.
 *
 * Fails with `UnusableCertificate` when one cannot be read, or has no PEM text in it.
 */
export const loadServer: (
  files: ServerFiles
) => Effect.Effect<ServerOptions, NetworkError.NetworkError, FileSystem.FileSystem> = files.loadServer

/** A server's options that change while it runs. It goes wherever `ServerOptions` do. */
export interface Reloading {
  readonly [typeId]: typeof typeId
  /** How the last look at the files went, and a way to hear of the next. */
  readonly state: SubscriptionRef.SubscriptionRef<ReloadState>
  /** Looks at the files now. */
  readonly reload: Effect.Effect<void>
}

/** What a server shows to its clients; `since` is in milliseconds of the `Clock`. */
export type ReloadState =
  /** What is in the files. */
  | { readonly _tag: "Current"; readonly since: number }
  /** What was in them before: what is there now cannot be used. */
  | { readonly _tag: "Kept"; readonly since: number; readonly error: NetworkError.NetworkError }

/**
 * A server's files, looked at again by a schedule, or whenever something in their folders changes: `"watch"`. Handshakes
 * that begin afterwards get what is in them by then; connections that are open do not notice. If the new files cannot be
 * used (half written, or a key that does not belong to its certificate), the server keeps to the old ones, logs that, and
 * says so in `state`.
 *
 * Fails as `loadServer` does, the first time.
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
 */
export const reloading: <A>(
  files: ServerFiles,
  when: Schedule.Schedule<A> | "watch"
) => Effect.Effect<Reloading, NetworkError.NetworkError, FileSystem.FileSystem | Scope.Scope> = internal.reloading

/** What is known of a peer's certificate. */
export interface PeerCertificate {
  /** Whose it is: `"CN=example.org"`. */
  readonly subject: string
  /** Who vouches for it. */
  readonly issuer: string
  /** The names it is for: `"DNS:example.org"`, `"IP Address:127.0.0.1"`, `"email:…"`, `"URI:…"` (RFC 5280). */
  readonly alternativeNames: ReadonlyArray<string>
  readonly notBefore: Date
  readonly notAfter: Date
  /** Its SHA-256 fingerprint: `"AB:CD:…"`. */
  readonly fingerprint256: string
}

/** What was negotiated, and who the peer is. */
export interface Session {
  readonly protocol: Version
  /** The cipher suite by its IANA name: `"TLS_AES_128_GCM_SHA256"`. */
  readonly cipher: string
  /** The protocol to speak, if one was negotiated (ALPN). */
  readonly applicationProtocol: string | undefined
  /** The name that the client asked for (SNI). */
  readonly serverName: string | undefined
  /** Whether an earlier session was resumed. */
  readonly resumed: boolean
  /** What the peer showed, if it did. */
  readonly peerCertificate: PeerCertificate | undefined
  /** Whether `peerCertificate` was verified, and found good. */
  readonly verified: boolean
  /** Why it was not, if it was looked at. */
  readonly unverified: TlsReason.TlsReason | undefined
}

/** A `Certificate`, checked. */
export interface KeyPair {
  /** Which option it comes from, for errors: `"tls.certificates[0]"`. */
  readonly option: string
  readonly chain: string
  readonly key: Redacted.Redacted<string>
  readonly passphrase: Redacted.Redacted<string> | undefined
}

/** What both sides' options have in common, checked and complete. */
interface Common {
  /** `undefined`: the platform's own. */
  readonly authorities: ReadonlyArray<string> | undefined
  readonly revocationLists: ReadonlyArray<string>
  readonly applicationProtocols: ReadonlyArray<string>
  readonly minimumVersion: Version
}

/** `ClientOptions`, checked and complete. */
export interface Client extends Common {
  readonly _tag: "Client"
  readonly serverName: string | undefined
  readonly certificate: KeyPair | undefined
  /** In capitals, with colons. Empty: not pinned. */
  readonly fingerprints: ReadonlyArray<string>
  readonly sessions: number
  readonly verify: boolean
}

/** `ServerOptions`, checked and complete. */
export interface Server extends Common {
  readonly _tag: "Server"
  readonly certificates: readonly [KeyPair, ...Array<KeyPair>]
  readonly clientCertificates: "off" | "wanted" | "required"
  readonly resumption: boolean
}
