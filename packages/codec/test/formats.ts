/** The formats of the documentation, each with bytes that another program sent. */
import * as Codec from "@sluice/codec/Codec"
import * as Chunked from "@sluice/codec/formats/Chunked"
import * as Dns from "@sluice/codec/formats/Dns"
import * as Lsp from "@sluice/codec/formats/Lsp"
import * as Memcached from "@sluice/codec/formats/Memcached"
import * as Modbus from "@sluice/codec/formats/Modbus"
import * as Mqtt from "@sluice/codec/formats/Mqtt"
import * as Nmea from "@sluice/codec/formats/Nmea"
import * as Postgres from "@sluice/codec/formats/Postgres"
import * as Resp from "@sluice/codec/formats/Resp"
import * as Socks5 from "@sluice/codec/formats/Socks5"
import * as Stomp from "@sluice/codec/formats/Stomp"
import * as Syslog from "@sluice/codec/formats/Syslog"
import * as Tlv from "@sluice/codec/formats/Tlv"
import * as WebSocket from "@sluice/codec/formats/WebSocket"
import captures from "./captures.json" with { type: "json" }

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"))

export const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value))

const requests = (session: ReadonlyArray<ReadonlyArray<string>>): Uint8Array =>
  hex(session.map(([request]) => request).join(""))

const responses = (session: ReadonlyArray<ReadonlyArray<string>>): Uint8Array =>
  hex(session.map(([, response]) => response).join(""))

const both = (connections: ReadonlyArray<{ readonly client: string; readonly server: string }>): Uint8Array =>
  hex(connections.map(({ client, server }) => client + server).join(""))

/** The bytes of a PostgreSQL client behind its first message. */
const afterStartup = (client: string, messages: number): Uint8Array => {
  let bytes = hex(client)
  for (let i = 0; i < messages; i++) bytes = bytes.subarray(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0))
  return bytes
}

const bodyOf = (http: string): Uint8Array => {
  const bytes = Buffer.from(http, "hex")
  return bytes.subarray(bytes.indexOf("\r\n\r\n") + 4)
}

export interface Format {
  readonly name: string
  // oxlint-disable-next-line typescript/no-explicit-any -- each format has its own type
  readonly codec: Codec.Codec<any>
  /** What was captured. */
  readonly bytes: Uint8Array
  /** How many frames there are. */
  readonly frames: number
  /** Whether encoding the frames gives other bytes with the same meaning. */
  readonly isRewritten?: boolean
}

/** One of the requests has a size that is not a number, to see what the server says. */
const wellFormed = captures.memcached.filter(([request]) => !Buffer.from(request!, "hex").includes("set bad"))

const [postgres] = captures.postgres as [typeof captures.postgres[number]]
const [ssl] = captures.postgresSsl as [typeof captures.postgresSsl[number]]

const nmea = "$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76\r\n" +
  "$GPGSA,A,3,10,07,05,02,29,04,08,13,,,,,1.72,1.03,1.38*0A\r\n$GPRMC,092750.000,A,5321.6802,N,00630.3372,W,0.02,31.66,280511,,,A*43\r\n"

export const formats: ReadonlyArray<Format> = [
  { name: "RESP2 values", codec: Resp.value, bytes: responses(captures.resp2), frames: 19 },
  { name: "RESP3 values", codec: Resp.value, bytes: responses(captures.resp3), frames: 37 },
  { name: "RESP commands", codec: Resp.command, bytes: requests(captures.resp2), frames: 19 },
  { name: "memcached requests", codec: Memcached.request, bytes: requests(wellFormed), frames: 18 },
  { name: "memcached responses", codec: Memcached.response, bytes: responses(captures.memcached), frames: 22 },
  { name: "MQTT 3.1.1", codec: Mqtt.packet(4), bytes: both(captures.mqtt311), frames: 28 },
  { name: "MQTT 5", codec: Mqtt.packet(5), bytes: both(captures.mqtt5), frames: 26 },
  { name: "PostgreSQL startup", codec: Postgres.startup, bytes: hex(ssl.client).subarray(0, 8 + 0x3f), frames: 2 },
  { name: "PostgreSQL frontend", codec: Postgres.frontend, bytes: afterStartup(postgres.client, 1), frames: 12 },
  { name: "PostgreSQL backend", codec: Postgres.backend, bytes: hex(postgres.server), frames: 48 },
  {
    name: "DNS over TCP",
    codec: Dns.tcpMessage,
    bytes: both(captures.dnsTcp),
    frames: 6,
    isRewritten: true
  },
  {
    name: "Modbus RTU requests",
    codec: Modbus.rtu(Modbus.request),
    bytes: hex(captures.modbusRtu.join("")),
    frames: 8
  },
  {
    name: "Modbus RTU responses",
    codec: Modbus.rtu(Modbus.response),
    bytes: hex(captures.modbusRtuResponses.join("")),
    frames: 4
  },
  {
    name: "Modbus TCP requests",
    codec: Modbus.tcp(Modbus.request),
    bytes: hex(captures.modbusRequests.join("")),
    frames: 8
  },
  { name: "NMEA 0183", codec: Nmea.sentence, bytes: text(nmea), frames: 3 },
  // Its sender leaves the colon in the name of a header as it is, so that the rest belongs to the value.
  { name: "STOMP", codec: Stomp.frame, bytes: hex(captures.stomp.join("")), frames: 5, isRewritten: true },
  { name: "syslog, counted", codec: Syslog.counted, bytes: hex(captures.syslogOctet), frames: 1 },
  { name: "syslog, lines", codec: Syslog.line, bytes: hex(captures.syslogLine), frames: 1 },
  { name: "syslog, either", codec: Syslog.either, bytes: hex(captures.syslogLine + captures.syslogOctet), frames: 2 },
  { name: "LSP", codec: Lsp.message, bytes: hex(captures.lsp), frames: 2 },
  { name: "WebSocket, client", codec: WebSocket.frame, bytes: hex(captures.websocket.client), frames: 7 },
  { name: "WebSocket, server", codec: WebSocket.frame, bytes: hex(captures.websocket.server), frames: 6 },
  { name: "HTTP/1.1 chunked, by curl", codec: Chunked.chunk, bytes: bodyOf(captures.curlChunked), frames: 2 },
  {
    name: "HTTP/1.1 chunked, by Node",
    codec: Chunked.chunk,
    bytes: bodyOf(captures.nodeChunked),
    frames: 3
  },
  { name: "SOCKS5 greeting", codec: Socks5.greeting, bytes: hex(captures.socks5[0]!), frames: 1 },
  { name: "SOCKS5 credentials", codec: Socks5.credentials, bytes: hex(captures.socks5[1]!), frames: 1 },
  {
    name: "SOCKS5 requests",
    codec: Socks5.request,
    bytes: hex(captures.socks5[2]! + captures.socks5ip4[1]! + captures.socks5ip6[1]!),
    frames: 3
  },
  { name: "ASN.1 DER", codec: Tlv.der, bytes: hex(captures.der), frames: 1 },
  {
    name: "TLV",
    codec: Tlv.tlv(Codec.uint8, Codec.uint16be),
    // PP2_TYPE_ALPN and PP2_TYPE_AUTHORITY of the PROXY protocol.
    bytes: hex("01000268320200096c6f63616c686f7374"),
    frames: 2
  }
]

export { captures }
