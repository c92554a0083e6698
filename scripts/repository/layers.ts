/**
 * Who may import whom.
 *
 * A *unit* of a package is a public module (`Endpoint`) or a room, a folder below `internal` (`internal/proxy`). A unit
 * imports units of its own line and of the lines above it, and no two units import each other. A line is what people
 * think of as one layer. Imports of types point the same way, except that a room names the types of the public modules
 * whose implementation it is, wherever these are.
 */
export type Layers = ReadonlyArray<ReadonlyArray<string>>

export const layers: Readonly<Record<string, Layers>> = {
  core: [
    ["NetworkError", "TlsReason", "ProxyProtocolError", "FramingError"],
    ["Chunks", "Options", "internal/bytes", "internal/address", "CertificateName", "Endpoint", "EndpointSchema"],
    ["FramingInput", "FramingOutput", "internal/framing", "Framing", "FramingSchema", "FramingSchemaBinary"],
    ["internal/proxy", "ProxyProtocol", "internal/tls", "Tls", "SocketOptions"],
    ["internal/connection", "Connection", "Transport", "internal/udp", "UdpSocket"],
    ["internal/accept", "AcceptPolicy", "Listener"],
    ["internal/network", "Network"],
    ["ServerEvent", "ServerLog", "ServerPolicy", "internal/server", "Server", "UdpServer"],
    ["internal/framed", "Framed", "Heartbeat", "internal/client", "Reconnecting"],
    ["internal/broadcast", "Subscription", "Broadcast"],
    [
      "internal/bridge",
      "SocketBridge",
      "SocketServerBridge",
      "DatagramSocketBridge",
      "ConnectionBridge",
      "ClusterSocket"
    ]
  ],
  node: [
    ["internal/facade"],
    ["internal", "internal/tls"],
    ["NodeNetwork", "TestCertificates"]
  ],
  simulation: [
    ["internal/time", "SimulationError"],
    ["Link", "internal/fabric"],
    ["internal/kernel"],
    ["internal/report", "Trace"],
    ["Host", "Fault", "SimCertificate", "SimNetwork", "SimRpc"],
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

/** What each package imports from outside of itself, beside Effect's deep modules. */
export const outside: Readonly<Record<string, ReadonlyArray<RegExp>>> = {
  core: [],
  codec: [/^@sluice\/core\//],
  node: [/^@sluice\/core\//, /^node:/, /^@effect\/platform-node\//, /^@peculiar\/x509$/, /^reflect-metadata$/],
  simulation: [/^@sluice\/core\//, /^vitest$/],
  conformance: [/^@sluice\/core\//, /^vitest$/]
}
