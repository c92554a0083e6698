import type { TlsClient } from "./settings.ts"

/**
 * The name that a server's certificate must be valid for: `tls.serverName`, or else the host that was connected to. In the form
 * of certificates and SNI: without the dot of the root (RFC 6066, section 3), and without a zone.
 */
export const serverNameOf = (settings: TlsClient, dialled: string | undefined): string | undefined =>
  (settings.serverName ?? dialled)?.replace(/\.$|%.*$/, "")
