import { oneOf, reject } from "@sluice/core/Options"
import type * as Tls from "@sluice/core/Tls"
import type * as Transport from "@sluice/core/Transport"
import type { RandomStream } from "../../time/random.ts"
import type { Certificate } from "./certificate/certificate.ts"
import type { TlsFault } from "./fault.ts"

/** What can be set about the TLS of a host. */
export interface TlsOptions {
  /** The versions that it can speak. Default: both. */
  readonly versions?: ReadonlyArray<Tls.Version> | undefined
  /**
   * The cipher suites that it can use, the preferred first, by the names that they have with IANA; those of TLS 1.2 have
   * `_WITH_` in them. Default: those that authenticate and do not encrypt, because nothing is encrypted here:
   * `TLS_SHA256_SHA256` (RFC 9150) and `TLS_RSA_WITH_NULL_SHA256` (RFC 5246).
   */
  readonly ciphers?: ReadonlyArray<string> | undefined
}

/** `TlsOptions`, checked and complete. */
export interface TlsStack {
  /** The newest first. */
  readonly versions: ReadonlyArray<Tls.Version>
  readonly ciphers: ReadonlyArray<string>
}

const versions: ReadonlyArray<Tls.Version> = ["TLSv1.3", "TLSv1.2"]

export const defaultStack: TlsStack = { versions, ciphers: ["TLS_SHA256_SHA256", "TLS_RSA_WITH_NULL_SHA256"] }

export const checkStack = (options: TlsOptions): TlsStack => {
  const own = (options.versions ?? versions).map((version) => oneOf("tls.versions", version, versions))
  const { ciphers = defaultStack.ciphers } = options
  return {
    versions: own.length === 0
      ? reject("tls.versions", "empty", "at least one version")
      : versions.filter((version) => own.includes(version)),
    ciphers: ciphers.length === 0 ? reject("tls.ciphers", "empty", "at least one cipher suite") : ciphers
  }
}

/** A machine as TLS sees it. */
export interface TlsHost {
  readonly tls: TlsStack
  readonly tlsFault: TlsFault | undefined
  /** Milliseconds since the epoch. */
  readonly wallClock: number
  /** Trusted by clients that do not name authorities. */
  readonly authorities: ReadonlyArray<Certificate>
  /** For the tickets of sessions. */
  readonly tickets: RandomStream
}

/** The versions that may be spoken, the newest first. */
export const versionsFrom = (stack: TlsStack, minimum: Tls.Version): ReadonlyArray<Tls.Version> =>
  stack.versions.filter((version) => version >= minimum)

/** The cipher suites that may be used, the preferred first: the program's, if it names them, or else the host's. */
export const ciphersOf = (
  stack: TlsStack,
  settings: Transport.TlsClient | Transport.TlsServer
): ReadonlyArray<string> => settings.ciphers ?? stack.ciphers

/** Whether a cipher suite is one of a version. */
export const isCipherOf = (version: Tls.Version, cipher: string): boolean =>
  cipher.includes("_WITH_") === (version === "TLSv1.2")
