import * as CertificateName from "@sluice/core/CertificateName"
import type * as Tls from "@sluice/core/Tls"
import {
  NoCertificate,
  NoSharedApplicationProtocol,
  NoSharedCipher,
  NoSharedProtocol,
  type TlsReason
} from "@sluice/core/TlsReason"
import type * as Transport from "@sluice/core/Transport"
import type { Certificate } from "../certificate/certificate.ts"
import { dnsNames, judgeChain, type Trust } from "../certificate/trust.ts"
import type { Chain } from "../context.ts"
import { Refusal, refuseCertificate } from "../refusal.ts"
import { ciphersOf, isCipherOf, type TlsHost, versionsFrom } from "../stack.ts"
import { describeSession, expectMessage } from "./agreement.ts"
import type { Conversation, Wire } from "./handshake.ts"
import type { Messages } from "./message.ts"
import type { SavedSession, Tickets } from "./sessions.ts"

/** What all handshakes of a server with the same settings share. */
export interface ServerContext {
  readonly host: TlsHost
  readonly settings: Transport.TlsServer
  readonly trust: Trust
  /** What it can show. */
  readonly chains: ReadonlyArray<Chain>
  readonly tickets: Tickets
}

/** The server's part. */
export function* shakeAsServer(context: ServerContext, wire: Wire): Conversation {
  const { chains, host, settings, tickets } = context
  const hello = expectMessage(yield, "ClientHello")
  const agreed = negotiate(context, hello)
  const { cipher, serverName, version } = agreed
  const saved = resumable(context, hello)
  const resumed = saved !== undefined
  wire.send({
    name: "ServerHello",
    body: { version, cipher, applicationProtocol: agreed.applicationProtocol, resumed }
  })

  let chain: ReadonlyArray<Certificate> = saved?.chain ?? []
  if (resumed) {
    wire.finish()
    expectMessage(yield, "Finished")
  } else {
    const asks = settings.clientCertificates !== "off"
    const own = chains[CertificateName.select(chains.map(([certificate]) => dnsNames(certificate)), serverName)]!
    if (asks && version === "TLSv1.3") wire.send({ name: "CertificateRequest", body: {} })
    wire.send({ name: "Certificate", body: { chain: own } })
    if (asks && version === "TLSv1.2") wire.send({ name: "CertificateRequest", body: {} })
    if (version === "TLSv1.2") wire.send({ name: "ServerHelloDone", body: {} })
    else wire.finish()
    if (asks) {
      chain = expectMessage(yield, "Certificate").chain
      const unfit = judge(context, chain)
      if (unfit !== undefined && settings.clientCertificates === "required") throw refuseCertificate(unfit, version)
    }
    if (version === "TLSv1.2") expectMessage(yield, "ClientKeyExchange")
    expectMessage(yield, "Finished")
  }

  if (settings.resumption && (version === "TLSv1.3" || !resumed)) {
    const at = saved?.at ?? host.wallClock
    const ticket = tickets.issue({ version, cipher, serverName, chain, at })
    wire.send({ name: "NewSessionTicket", body: { ticket } })
  }
  if (version === "TLSv1.2" && !resumed) wire.finish()
  return {
    session: describeSession({
      protocol: version,
      cipher,
      applicationProtocol: agreed.applicationProtocol,
      serverName,
      resumed,
      chain,
      unverified: chain.length === 0 ? undefined : judge(context, chain)
    }),
    onTicket: undefined
  }
}

interface Negotiated {
  readonly version: Tls.Version
  readonly cipher: string
  readonly applicationProtocol: string | undefined
  readonly serverName: string | undefined
}

/** What both sides can do, by this side's preference. */
const negotiate = ({ host, settings }: ServerContext, hello: Messages["ClientHello"]): Negotiated => {
  const version = versionsFrom(host.tls, settings.minimumVersion).find((own) => hello.versions.includes(own))
  if (version === undefined) throw new Refusal(new NoSharedProtocol(), "protocol_version")
  const cipher = ciphersOf(host.tls, settings).find((own) => isCipherOf(version, own) && hello.ciphers.includes(own))
  if (cipher === undefined) throw new Refusal(new NoSharedCipher(), "handshake_failure")
  const supported = settings.applicationProtocols
  const applicationProtocol = supported.find((own) => hello.applicationProtocols.includes(own))
  if (applicationProtocol === undefined && supported.length > 0 && hello.applicationProtocols.length > 0) {
    throw new Refusal(new NoSharedApplicationProtocol({ supported }), "no_application_protocol")
  }
  return { version, cipher, applicationProtocol, serverName: hello.serverName }
}

// A client that had to show a certificate must have shown one that is still good. Both sides have the options that they had:
// a session belongs to them.
const resumable = (
  context: ServerContext,
  { ticket }: Messages["ClientHello"]
): SavedSession | undefined => {
  const { host, settings, tickets } = context
  const saved = ticket === undefined || !settings.resumption ? undefined : tickets.redeem(ticket, host.wallClock)
  if (saved === undefined) return undefined
  const isGood = settings.clientCertificates !== "required" || judge(context, saved.chain) === undefined
  return isGood ? saved : undefined
}

const judge = (
  { host, trust }: ServerContext,
  [certificate, ...others]: ReadonlyArray<Certificate>
): TlsReason | undefined =>
  certificate === undefined
    ? new NoCertificate()
    : judgeChain(trust, [certificate, ...others], host.wallClock)
