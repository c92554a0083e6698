/**
 * The layers of each package: which of its parts may import which.
 *
 * A *unit* is a public module (`Endpoint`), or a folder or a file in `internal` (`internal/proxy`); `internal` stands for those
 * that are not listed. A line is a layer. A unit imports units of its own line and of the lines above it in the list, and no
 * two units import each other. Imports of types count as well, except that a room may name the types of any public module.
 */
export type Layers = ReadonlyArray<ReadonlyArray<string>>

export const layers: Readonly<Record<string, Layers>> = {
  framing: [
    ["SafeText", "Chunks", "Checksum", "internal/bytes"],
    ["FramingError"],
    ["FramingInput", "FramingOutput"],
    ["internal"],
    ["TextEncoding", "Framing"],
    ["FramingSchema", "FramingSchemaBinary"]
  ],
  core: [
    ["internal/text", "TlsReason", "internal/error", "NetworkError"],
    [
      "Buggify",
      "Options",
      "Property",
      "internal/bytes",
      "internal/callback",
      "internal/collection",
      "internal/address",
      "internal/time",
      "internal/budget",
      "internal/naming",
      "MetricSeries",
      "CertificateName",
      "Endpoint",
      "EndpointSchema",
      "ServerPolicy"
    ],
    ["internal/proxy", "internal/tls", "Tls", "SocketOptions"],
    ["internal/connection", "Connection", "internal/lending", "Lending", "internal/udp", "UdpSocket"],
    ["internal/accept", "Listener"],
    ["internal/network", "Network", "Transport"],
    [
      "ServerEvent",
      "UdpServerEvent",
      "internal/log",
      "ServerLog",
      "internal/server",
      "Server",
      "internal/udpServer",
      "UdpServer"
    ],
    ["internal/framed", "Framed", "Conversation", "Heartbeat"],
    ["internal/broadcast", "Subscription", "Broadcast"],
    [
      "internal/bridge",
      "SocketBridge",
      "SocketServerBridge",
      "DatagramSocketBridge",
      "ConnectionBridge"
    ]
  ],
  proxy: [
    ["ProxyProtocolError", "internal"],
    ["ProxyProtocol"]
  ],
  client: [
    ["internal/chain", "internal/plural", "internal/monotonic"],
    ["internal/errors", "internal/failure", "internal/retrying"],
    ["internal/pool", "internal/reconnecting"],
    ["ClusterSocket", "FramedClient", "Reconnecting"]
  ],
  codec: [
    ["internal/machine"],
    ["internal/fields"],
    ["internal/compose"],
    ["internal/whole"],
    ["internal/api"],
    ["Codec", "CodecSchema"],
    ["formats"]
  ],
  node: [
    ["internal/facade"],
    [
      "internal/address",
      "internal/descriptors",
      "internal/descriptorGuard",
      "internal/lookup",
      "internal/stream",
      "internal/unix"
    ],
    ["internal/tls"],
    ["internal/socketSource", "internal/connect", "internal/listen", "internal/bind", "internal/inherit"],
    ["internal/platform"],
    ["internal/duplex", "NodeDuplex"],
    ["internal/http", "NodeHttp"],
    ["internal/program", "NodeProgram"],
    ["internal/workers", "WorkerEvent", "Workers"],
    ["internal/toxics", "Toxics"],
    ["NodeNetwork", "Systemd", "TestCertificates"]
  ],
  simulation: [
    ["internal/text", "internal/time"],
    ["internal/sandbox", "SimulationError"],
    ["internal/replacements", "register"],
    ["internal/eventLoop"],
    ["Link", "internal/fabric"],
    ["internal/disk"],
    ["internal/kernel"],
    ["internal/world"],
    ["internal/campaign"],
    ["internal/report", "Trace", "History"],
    ["Host", "Rule", "Fault", "Disk", "SimDns", "SimCertificate", "SimNetwork", "SimRpc"],
    ["Campaign"],
    ["internal/run"],
    ["internal/exploration"],
    ["Simulation"],
    ["VitestSimulation"]
  ],
  conformance: [
    ["Check"],
    ["internal"],
    ["Conformance", "FramingLaws"],
    ["VitestConformance"]
  ]
}

/**
 * What each package imports from outside of itself, beside Effect's deep modules. Use the global `process`, not
 * `node:process`: importing that opens standard input, and makes it non-blocking for the processes that share it.
 */
export const outside: Readonly<Record<string, ReadonlyArray<RegExp>>> = {
  framing: [],
  proxy: [/^@sluice\/framing\//],
  core: [/^@sluice\/(framing|proxy)\//],
  client: [/^@sluice\/(core|framing)\//],
  codec: [/^@sluice\/framing\//],
  node: [
    /^@sluice\/(core|framing)\//,
    /^node:(?!process$)/,
    /^@effect\/platform-node\//,
    /^@peculiar\/x509$/,
    /^reflect-metadata$/
  ],
  simulation: [/^@sluice\/(core|framing)\//, /^vitest$/],
  conformance: [/^@sluice\/(core|framing)\//, /^vitest$/]
}
