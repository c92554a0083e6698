/** The PROXY header that a relay sends on: who its client is, and what is known of the client's TLS session. */
import * as CertificateName from "@sluice/core/CertificateName"
import type * as Connection from "@sluice/core/Connection"
import type * as Tls from "@sluice/core/Tls"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import { hopsOf, hopsRecord, isHops } from "./loop.ts"

/**
 * The header for a client. The addresses of one who came through another proxy are those which that one told, and so is
 * all else that the relay does not know better.
 */
export const headerFor = (client: Connection.Connection, version: 1 | 2): ProxyProtocol.Header => {
  if (version === 1) return ProxyProtocol.fromConnection(client, { version })
  const own = client.tls === undefined ? [] : recordsOf(client.tls)
  const told = (client.proxy?.header.tlvs ?? []).filter((each) => !isHops(each) && !isAbout(own, each))
  const hops = client.proxy === undefined ? [] : [hopsRecord(hopsOf(client) + 1)]
  return ProxyProtocol.fromConnection(client, { tlvs: [...told, ...own, ...hops] })
}

// A host name that is not UTF-8 is a record of another type here, but of the same in the header.
const isAbout = (own: ReadonlyArray<ProxyProtocol.Tlv>, told: ProxyProtocol.Tlv): boolean =>
  own.some(({ _tag }) => _tag === told._tag || (_tag === "Authority" && told._tag === "Other" && told.type === 0x02))

const recordsOf = (session: Tls.Session): ReadonlyArray<ProxyProtocol.Tlv> => [
  ...(session.applicationProtocol === undefined
    ? []
    : [{ _tag: "Alpn", protocol: session.applicationProtocol } as const]),
  ...(session.serverName === undefined ? [] : [{ _tag: "Authority", name: session.serverName } as const]),
  ssl(session)
]

const ssl = ({ cipher, peerCertificate, protocol, resumed, verified }: Tls.Session): ProxyProtocol.Ssl => ({
  _tag: "Ssl",
  ssl: true,
  certificateOnConnection: peerCertificate !== undefined && !resumed,
  certificateInSession: peerCertificate !== undefined,
  verify: verified ? 0 : 1,
  version: protocol,
  cipher,
  // Of several, the first, as HAProxy sends it.
  commonName: peerCertificate && CertificateName.values(peerCertificate.subject, "CN")[0],
  others: []
})
