import * as NetworkError from "@sluice/core/NetworkError"
import * as TlsReason from "@sluice/core/TlsReason"
import * as Transport from "@sluice/core/Transport"

/** An error of Node or OpenSSL. */
interface TlsError extends NodeJS.ErrnoException {
  /** The text of OpenSSL. */
  readonly reason?: string | undefined
}

/** Translates an error of a handshake, or of a stream over TLS. */
export const fromTls = (options: {
  readonly operation: NetworkError.Operation
  readonly address: string
  readonly error: TlsError
  readonly applicationProtocols?: ReadonlyArray<string>
}): NetworkError.NetworkError => {
  const { address, applicationProtocols = [], error, operation } = options
  const reason = reasonOf(error, operation === "secure", applicationProtocols)
  return reason === undefined
    ? Transport.systemError({ operation, address, error })
    : new NetworkError.NetworkError({ operation, address, reason, cause: error })
}

const reasonOf = (
  error: TlsError,
  isHandshake: boolean,
  supported: ReadonlyArray<string>
): TlsReason.TlsReason | NetworkError.BrokenPipe | undefined => {
  const { code = "" } = error
  const alert = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13|SSL\/TLS)_(?:ALERT_)?(.+)$/.exec(code)?.[1]?.toLowerCase()
  if (alert !== undefined) {
    if (alert === "protocol_version") return new TlsReason.NoSharedProtocol()
    if (alert === "no_application_protocol") return new TlsReason.NoSharedApplicationProtocol({ supported })
    return new TlsReason.PeerAlert({ alert })
  }
  if (code === "ERR_TLS_SESSION_ATTACK") {
    return new TlsReason.ProtocolViolation({ code, why: "too many renegotiations" })
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
    case "DECRYPTION_FAILED_OR_BAD_RECORD_MAC":
    case "DECRYPTION_FAILED":
    case "BAD_MAC_LENGTH":
    case "DATA_LENGTH_TOO_LONG":
    case "ENCRYPTED_LENGTH_TOO_LONG":
      return new TlsReason.CorruptRecord({ code })
    // Bytes that are not a record. A peer that has finished a handshake does speak TLS.
    case "WRONG_VERSION_NUMBER":
    case "HTTP_REQUEST":
    case "HTTPS_PROXY_REQUEST":
    case "PACKET_LENGTH_TOO_LONG":
    case "RECORD_LAYER_FAILURE":
    case "BAD_RECORD_TYPE":
    case "UNEXPECTED_MESSAGE":
    case "NOT_ON_RECORD_BOUNDARY":
      return isHandshake ? new TlsReason.NotTls() : new TlsReason.CorruptRecord({ code })
    default:
      return new TlsReason.ProtocolViolation({ code, why: error.reason ?? error.message })
  }
}
