import * as NetworkError from "@sluice/core/NetworkError"
import * as TlsReason from "@sluice/core/TlsReason"
import * as Transport from "@sluice/core/Transport"

/** What Node and OpenSSL say, beside a system's error. */
interface TlsError extends NodeJS.ErrnoException {
  /** In OpenSSL's words. */
  readonly reason?: string | undefined
}

/** An error of a handshake, or of a stream over TLS, as a typed reason. */
export const fromTls = (options: {
  readonly operation: NetworkError.Operation
  readonly address: string
  readonly error: TlsError
  readonly applicationProtocols?: ReadonlyArray<string>
}): NetworkError.NetworkError => {
  const { address, applicationProtocols = [], error, operation } = options
  const reason = reasonOf(error, applicationProtocols)
  return reason === undefined
    ? Transport.systemError({ operation, address, error })
    : new NetworkError.NetworkError({ operation, address, reason, cause: error })
}

const reasonOf = (
  error: TlsError,
  supported: ReadonlyArray<string>
): TlsReason.TlsReason | NetworkError.BrokenPipe | undefined => {
  const { code = "" } = error
  const alert = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(.+)$/.exec(code)?.[1]?.toLowerCase()
  if (alert !== undefined) {
    if (alert === "protocol_version") return new TlsReason.NoSharedProtocol()
    if (alert === "no_application_protocol") return new TlsReason.NoSharedApplicationProtocol({ supported })
    return new TlsReason.PeerAlert({ alert })
  }
  if (!code.startsWith("ERR_SSL_")) return code === "EPROTO" ? new NetworkError.BrokenPipe() : undefined
  switch (code.slice("ERR_SSL_".length)) {
    case "UNSUPPORTED_PROTOCOL":
    case "NO_PROTOCOLS_AVAILABLE":
    case "VERSION_TOO_LOW":
      return new TlsReason.NoSharedProtocol()
    case "NO_SHARED_CIPHER":
    case "NO_SUITABLE_SIGNATURE_ALGORITHM":
    case "NO_SUITABLE_KEY_SHARE":
    case "NO_SUITABLE_GROUPS":
    case "NO_SHARED_GROUPS":
      return new TlsReason.NoSharedCipher()
    case "NO_APPLICATION_PROTOCOL":
      return new TlsReason.NoSharedApplicationProtocol({ supported })
    case "PEER_DID_NOT_RETURN_A_CERTIFICATE":
      return new TlsReason.NoCertificate()
    // What OpenSSL says of bytes that are no record.
    case "WRONG_VERSION_NUMBER":
    case "HTTP_REQUEST":
    case "HTTPS_PROXY_REQUEST":
    case "PACKET_LENGTH_TOO_LONG":
    case "RECORD_LAYER_FAILURE":
    case "BAD_RECORD_TYPE":
    case "UNEXPECTED_MESSAGE":
    case "NOT_ON_RECORD_BOUNDARY":
      return new TlsReason.NotTls()
    default:
      return new TlsReason.HandshakeFailed({ code, why: error.reason ?? error.message })
  }
}
