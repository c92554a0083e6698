import { makeGenerator } from "../load/generator.ts"
import { loadMetrics, loadSample, type Scenario, type Suite, warmup } from "../suite.ts"

const generator = makeGenerator("loadgenUdp")

// Two, so that a full window of 1 KiB datagrams of both fits into the kernel's default receive buffer.
const clients = 2

const datagrams = (size: number, inFlight: number): Scenario => ({
  name: `${size} B, ${clients} clients, ${inFlight} in flight each`,
  reach: Object.fromEntries(
    ["receive, reply", "Stream", "UdpServer"].map((server) => [server, { "CPU µs": 1.05 }])
  ),
  measure: async (server, seconds) => {
    const load = await generator.watch(server.pid, server.port, clients, size, inFlight, warmup(seconds), seconds)
    return { ...loadSample(load), lost: load.lost }
  }
})

export const udp: Suite = {
  name: "udp",
  seconds: 80,
  title: "UDP echo",
  contestants: [
    { name: "node:dgram", file: "udpNode" },
    { name: "C, recvmmsg", file: "udp", floor: [] },
    { name: "platform-node", file: "udpPlatform" },
    { name: "receive, reply", file: "udpSluice" },
    { name: "Stream", file: "udpSluiceStream" },
    { name: "UdpServer", file: "udpSluiceServer" }
  ],
  metrics: loadMetrics,
  scenarios: [datagrams(64, 1), datagrams(64, 32), datagrams(1024, 32)]
}
