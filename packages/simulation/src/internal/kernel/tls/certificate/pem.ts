import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { Malformed } from "../handshake/fields.ts"

/** What a block of simulated PEM text holds. */
export type Label = "SIMULATED CERTIFICATE" | "SIMULATED PRIVATE KEY" | "SIMULATED REVOCATION LIST"

/** Writes a block as RFC 7468 does, in lines of 64 characters. */
export const formatPem = (label: Label, content: string): string => {
  const lines = Base64.encode(content).match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n")
}

/** What the blocks of a text hold, in their order. Throws `Malformed`, for blocks of the real world too. */
export const parsePem = (label: Label, text: string): ReadonlyArray<string> => {
  const blocks = Array.from(text.matchAll(/-----BEGIN ([^-]+)-----([^]*?)-----END \1-----/g))
  if (blocks.length === 0) throw new Malformed("there is no whole PEM block in it")
  return blocks.map(([, found, body]) => {
    if (found !== label) throw new Malformed(found!.startsWith("SIMULATED ") ? mistaken(label, found!) : real(found!))
    return decode(body!)
  })
}

const decode = (body: string): string =>
  Result.getOrThrowWith(
    Base64.decodeString(body.replaceAll(/\s/g, "")),
    () => new Malformed("what is in the PEM block is not Base64")
  )

const mistaken = (label: Label, found: string): string =>
  `there is a ${found.toLowerCase()} in it, and it should be a ${label.toLowerCase()}`

const real = (found: string): string =>
  `a simulation has no cryptography, and cannot use a real ${found.toLowerCase()}: make a simulated one, with ` +
  "SimCertificate.authority"
