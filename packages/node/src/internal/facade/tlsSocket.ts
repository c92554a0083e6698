import type { TLSSocket } from "node:tls"

// Without a `tls.Server`, a server's `TLSSocket` reports errors of OpenSSL by this event only, alerts of the peer included.
const errorEvent = "_tlsError"

type Listener = (this: TLSSocket, error: NodeJS.ErrnoException) => void

/** Hears the TLS errors of a socket that it does not emit as `error`. */
export const onTlsError = (socket: TLSSocket, listener: Listener): void => void socket.on(errorEvent, listener)

/** Why OpenSSL did not verify the peer's certificate, by its name there: `"CERT_HAS_EXPIRED"`. */
export const verifyErrorCode = (socket: TLSSocket): string | undefined =>
  (socket as unknown as { readonly ssl: { readonly verifyError: () => { readonly code: string } | null } }).ssl
    .verifyError()?.code

/** The name that the client of a server's socket asked for (SNI). */
export const requestedName = (socket: TLSSocket): string | undefined =>
  (socket as { readonly servername?: string | false | null }).servername || undefined
