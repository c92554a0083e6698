/**
 * Names in certificates, and the hosts that they stand for (RFC 9525, section 6.3). For those who write a platform.
 */

/**
 * Whether a DNS name of a certificate stands for a host: the same name in any case, or with `*` in place of the host's
 * first label, which then must be followed by two labels at least.
 *
 * ```ts
 * import * as CertificateName from "@sluice/core/CertificateName"
 *
 * CertificateName.matches("*.example.org", "www.example.org") // true
 * CertificateName.matches("*.example.org", "example.org") // false
 * CertificateName.matches("*.example.org", "a.www.example.org") // false
 * ```
 */
export const matches = (name: string, host: string): boolean => {
  const pattern = canonical(name)
  const wanted = canonical(host)
  if (!pattern.startsWith("*.")) return pattern === wanted && pattern !== ""
  const suffix = pattern.slice(1)
  const dot = wanted.indexOf(".")
  return dot > 0 && wanted.slice(dot) === suffix && suffix.indexOf(".", 1) !== -1 && !suffix.includes("*")
}

/**
 * Which of several certificates to show to a client that asks for a host: the first with that very name, or the first with
 * a wildcard that stands for it, or the first of all. Takes the DNS names of each.
 */
export const select = (certificates: ReadonlyArray<ReadonlyArray<string>>, host: string | undefined): number => {
  if (host === undefined) return 0
  const wanted = canonical(host)
  const exact = certificates.findIndex((names) => names.some((name) => canonical(name) === wanted))
  if (exact !== -1) return exact
  return Math.max(0, certificates.findIndex((names) => names.some((name) => matches(name, host))))
}

const canonical = (name: string): string => name.toLowerCase().replace(/\.$/, "")
