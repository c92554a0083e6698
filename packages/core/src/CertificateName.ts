/**
 * Names in certificates: distinguished names (RFC 5280, section 4.1.2.4) and the host names that a certificate is valid for
 * (RFC 9525, section 6.3).
 *
 * ```ts
 * import * as CertificateName from "@sluice/core/CertificateName"
 * import type * as Connection from "@sluice/core/Connection"
 *
 * // The common name of a verified client.
 * const userOf = ({ tls }: Connection.Connection): string | undefined =>
 *   tls?.verified === true && tls.peerCertificate !== undefined
 *     ? CertificateName.values(tls.peerCertificate.subject, "CN")[0]
 *     : undefined
 * ```
 *
 * @since 0.1.0
 */

/**
 * One attribute of a distinguished name.
 *
 * @since 0.1.0
 * @category models
 */
export interface Attribute {
  /** Its short name, such as `"CN"`, `"O"` or `"emailAddress"`; the dotted object identifier where it has none. */
  readonly type: string
  /** Its value as the certificate has it: text that the peer or its authority chose, with any characters. */
  readonly value: string
}

/**
 * A distinguished name: its attributes, in the order of the certificate. An attribute can occur more than once. Attributes of
 * one multi-valued part are separate elements.
 *
 * Authorize by attributes, never by searching the text of {@link format}.
 *
 * @since 0.1.0
 * @category models
 */
export type DistinguishedName = ReadonlyArray<Attribute>

/**
 * Returns the values of all attributes of a type, in order: `CertificateName.values(subject, "CN")`.
 *
 * @since 0.1.0
 * @category getters
 */
export const values = (name: DistinguishedName, type: string): ReadonlyArray<string> =>
  name.filter((attribute) => attribute.type === type).map(({ value }) => value)

/**
 * Formats a distinguished name for people: `"CN=example.org, O=Example"`. Special characters are escaped as RFC 4514, section
 * 2.4 says, and so are all that are unsafe to print: control and format characters, and line separators.
 *
 * @since 0.1.0
 * @category formatting
 */
export const format = (name: DistinguishedName): string =>
  name.map(({ type, value }) => `${escape(type)}=${escape(value)}`).join(", ")

/**
 * Parses the text form of a distinguished name: attributes separated by commas, plus signs or line feeds, with the escapes of
 * RFC 4514, section 2.4. For authors of platforms.
 *
 * @since 0.1.0
 * @category parsing
 */
export const parse = (text: string): DistinguishedName =>
  (text.match(/(?:\\[^]|[^\\,+\n])+/g) ?? []).map((attribute) => {
    const equals = attribute.indexOf("=")
    const type = equals === -1 ? "" : attribute.slice(0, equals)
    return { type: unescape(type), value: unescape(attribute.slice(equals + 1)) }
  })

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

const hex = (character: string): string =>
  Array.from(encoder.encode(character), (byte) => `\\${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("")

const escape = (text: string): string =>
  text
    .replaceAll(/[,+"\\<>;=]|^[ #]| $/g, "\\$&")
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, hex)

const unescape = (text: string): string =>
  // Spaces around an attribute are not part of it, unless they are escaped.
  /^ *((?: *(?:\\[^]|[^\\ ]))*)/.exec(text)![1]!
    .replaceAll(/(?:\\[0-9A-Fa-f]{2})+|\\([^])/g, (escaped, character: string | undefined) =>
      character ?? decoder.decode(Uint8Array.from(escaped.slice(1).split("\\"), (byte) =>
        Number.parseInt(byte, 16))))

/**
 * Whether a DNS name of a certificate matches a host: the same name in any case, or one with `*` in place of the host's first
 * label, followed by at least two labels. For authors of platforms.
 *
 * ```ts
 * import * as CertificateName from "@sluice/core/CertificateName"
 *
 * CertificateName.matches("*.example.org", "www.example.org") // true
 * CertificateName.matches("*.example.org", "example.org") // false
 * CertificateName.matches("*.example.org", "a.www.example.org") // false
 * ```
 *
 * @since 0.1.0
 * @category matching
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
 * Selects the certificate to show to a client that asks for a host, and returns its index: the first with that very name, or
 * the first with a wildcard that matches, or the first of all. Takes the DNS names of each certificate. For authors of
 * platforms.
 *
 * @since 0.1.0
 * @category matching
 */
export const select = (certificates: ReadonlyArray<ReadonlyArray<string>>, host: string | undefined): number => {
  if (host === undefined) return 0
  const wanted = canonical(host)
  const exact = certificates.findIndex((names) => names.some((name) => canonical(name) === wanted))
  if (exact !== -1) return exact
  return Math.max(0, certificates.findIndex((names) => names.some((name) => matches(name, host))))
}

const canonical = (name: string): string => name.toLowerCase().replace(/\.$/, "")
