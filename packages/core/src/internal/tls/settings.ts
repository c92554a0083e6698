import type * as Redacted from "effect/Redacted"
import type { Version } from "../../Tls.ts"

/**
 * A `Tls.Certificate`, validated.
 *
 * @since 0.1.0
 * @category TLS
 */
export interface TlsKeyPair {
  /** The option that it comes from, for errors: `"tls.certificates[0]"`. */
  readonly option: string
  readonly chain: string
  readonly key: Redacted.Redacted<string>
  readonly passphrase: Redacted.Redacted<string> | undefined
}

/** The settings that both roles have. */
interface TlsCommon {
  /** `undefined`: those of the platform. */
  readonly authorities: ReadonlyArray<string> | undefined
  readonly revocationLists: ReadonlyArray<string>
  readonly applicationProtocols: ReadonlyArray<string>
  readonly minimumVersion: Version
  /** IANA names, preferred first. `undefined`: the default of the platform. */
  readonly ciphers: ReadonlyArray<string> | undefined
}

/**
 * `Tls.ClientOptions`, validated and complete.
 *
 * @since 0.1.0
 * @category TLS
 */
export interface TlsClient extends TlsCommon {
  readonly _tag: "Client"
  readonly serverName: string | undefined
  readonly certificate: TlsKeyPair | undefined
  /** Upper case, with colons. Empty: not pinned. */
  readonly fingerprints: ReadonlyArray<string>
  readonly sessions: number
  readonly verify: boolean
}

/**
 * `Tls.ServerOptions`, validated and complete.
 *
 * @since 0.1.0
 * @category TLS
 */
export interface TlsServer extends TlsCommon {
  readonly _tag: "Server"
  readonly certificates: readonly [TlsKeyPair, ...Array<TlsKeyPair>]
  readonly clientCertificates: "off" | "wanted" | "required"
  readonly resumption: boolean
}
