import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import { CorruptRecord, ProtocolViolation, type TlsReason } from "@sluice/core/TlsReason"
import type { Alert } from "./record/alert.ts"

/** Thrown to break off: why, and the alert that tells the peer. */
export class Refusal {
  readonly reason: NetworkError.Reason
  readonly alert: Alert

  constructor(reason: NetworkError.Reason, alert: Alert) {
    this.reason = reason
    this.alert = alert
  }
}

/** The peer does not keep to the protocol. */
export const violation = (alert: Alert, why: string): Refusal =>
  new Refusal(
    alert === "bad_record_mac" ? new CorruptRecord({ code: alert }) : new ProtocolViolation({ code: alert, why }),
    alert
  )

/** The peer's certificate is not good enough. */
export const refuseCertificate = (reason: TlsReason, version: Tls.Version): Refusal =>
  new Refusal(reason, alertOf(reason, version))

// As OpenSSL has them (RFC 8446, section 6.2).
const alertOf = (reason: TlsReason, version: Tls.Version): Alert => {
  switch (reason._tag) {
    case "CertificateExpired":
      return "certificate_expired"
    case "CertificateRevoked":
      return "certificate_revoked"
    case "SelfSignedCertificate":
    case "UnknownIssuer":
      return "unknown_ca"
    case "NoCertificate":
      return version === "TLSv1.3" ? "certificate_required" : "handshake_failure"
    default:
      return "bad_certificate"
  }
}
