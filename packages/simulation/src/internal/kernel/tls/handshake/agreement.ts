import type * as Tls from "@sluice/core/Tls"
import type { Certificate } from "../certificate/certificate.ts"
import { describePeer } from "../certificate/trust.ts"
import { violation } from "../refusal.ts"
import type { Message, Messages, Name } from "./message.ts"

/** The message that has to come now. Throws a `Refusal` for any other. */
export const expectMessage = <K extends Name>(message: Message, name: K): Messages[K] => {
  if (message.name === name) return message.body as Messages[K]
  throw violation("unexpected_message", `${message.name} came where ${name} should have`)
}

/** What was negotiated, as programs get to know it. */
export const describeSession = (
  agreed: Omit<Tls.Session, "peerCertificate" | "verified"> & { readonly chain: ReadonlyArray<Certificate> }
): Tls.Session => {
  const { chain: [certificate], unverified, ...session } = agreed
  return {
    ...session,
    peerCertificate: certificate === undefined ? undefined : describePeer(certificate),
    verified: certificate !== undefined && unverified === undefined,
    unverified
  }
}
