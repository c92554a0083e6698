import * as NetworkError from "@sluice/core/NetworkError"
import * as Reason from "@sluice/core/TlsReason"
import { describe, expect, it } from "vitest"

const hostile = "evil\n\u001b[2J\u202e".repeat(100)
const date = new Date("2026-11-26T12:00:00Z")

/** Every reason, with all of its text chosen by the peer. */
const reasons = (text: string): ReadonlyArray<Reason.TlsReason> => [
  new Reason.CertificateExpired({ subject: text, notAfter: date }),
  new Reason.CertificateNotYetValid({ subject: text, notBefore: date }),
  new Reason.SelfSignedCertificate({ subject: text }),
  new Reason.UnknownIssuer({ subject: text, issuer: text }),
  new Reason.HostNameMismatch({ expected: "example.org", names: [text, text] }),
  new Reason.CertificateRevoked({ subject: text }),
  new Reason.CertificateRejected({ subject: text, code: "CODE", why: "why" })
]

describe("the reasons of TLS", () => {
  it("S5: show names of certificates made safe and short, on one line", () => {
    for (const reason of reasons(hostile)) {
      const { message } = NetworkError.make("secure", "tls://example.org:443", reason)
      expect(message).toMatch(/^[ -~…\\]+$/)
      expect(message.length).toBeLessThan(1500)
    }
    for (const reason of reasons("CN=Ada Lovelace")) expect(reason.message).toContain("CN=Ada Lovelace")
  })

  it("say when, for whom, and what was expected", () => {
    const [expired, early] = reasons("CN=a")
    expect(expired!.message).toContain("expired on 2026-11-26T12:00:00.000Z")
    expect(early!.message).toContain("not valid before 2026-11-26T12:00:00.000Z")
    const mismatch = (names: ReadonlyArray<string>) =>
      new Reason.HostNameMismatch({ expected: "example.org", names }).message
    expect(mismatch(["a.example", "b.example"])).toBe(
      "the certificate is valid for a.example, b.example, and not for example.org"
    )
    expect(mismatch([])).toBe("the certificate is valid for no host name, and not for example.org")
  })

  it("have advice of their own for the alerts that people can do something about", () => {
    const advice = (alert: string) => new Reason.PeerAlert({ alert }).advice
    const helpless = advice("internal_error")
    expect(helpless).toBe("see the log of the peer")
    expect(advice("unknown_alert_200")).toBe(helpless)
    for (
      const alert of [
        "bad_record_mac",
        "bad_certificate",
        "certificate_expired",
        "certificate_required",
        "certificate_revoked",
        "certificate_unknown",
        "decrypt_error",
        "handshake_failure",
        "no_application_protocol",
        "protocol_version",
        "unknown_ca",
        "unrecognized_name"
      ]
    ) {
      expect(advice(alert)).not.toBe(helpless)
      expect(new Reason.PeerAlert({ alert }).message).toContain(alert)
    }
  })
})
