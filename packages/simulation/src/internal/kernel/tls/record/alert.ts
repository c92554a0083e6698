/** The alerts of RFC 8446, section 6, and of RFC 7301. */
const codes = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120
} as const

/** An alert by its name. */
export type Alert = keyof typeof codes

const names = new Map<number, string>(Object.entries(codes).map(([name, code]) => [code, name]))

const isWarning = (alert: Alert): boolean => alert === "close_notify" || alert === "user_canceled"

/** What an alert record has in it: the level and the code. */
export const encodeAlert = (alert: Alert): Uint8Array => new Uint8Array([isWarning(alert) ? 1 : 2, codes[alert]])

/** The name of an alert that came, or nothing if it is none. */
export const decodeAlert = (fragment: Uint8Array): string | undefined => {
  if (fragment.length !== 2) return undefined
  const code = fragment[1]!
  return names.get(code) ?? `unknown_alert_${code}`
}
