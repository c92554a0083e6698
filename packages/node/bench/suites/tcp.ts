import { makeGenerator } from "../load/generator.ts"
import type { Reach } from "../report/comparison.ts"
import { loadMetrics, loadSample, type Scenario, type Suite, warmup } from "../suite.ts"

export const generator = makeGenerator("loadgen")

const cpu = (reaches: Readonly<Record<string, number>>): Reach =>
  Object.fromEntries(Object.entries(reaches).map(([server, reach]) => [server, { "CPU µs": reach }]))

/** Messages that are echoed, on some connections with some messages in flight on each. */
export const echo = (
  mode: "echo" | "length" | "lines",
  connections: number,
  size: number,
  inFlight: number,
  reaches: Readonly<Record<string, number>> = {}
): Scenario => ({
  name: `${size >= 1024 ? `${size / 1024} KiB` : `${size} B`}, ${connections} connections, ${inFlight} in flight`,
  reach: cpu(reaches),
  measure: async (server, seconds) =>
    loadSample(
      await generator.watch(server.pid, mode, server.port, connections, size, inFlight, warmup(seconds), seconds)
    )
})

/** Connections that are opened, echo once, and are closed by both sides. */
export const connect = (reaches: Readonly<Record<string, number>>): Scenario => ({
  name: "connect, echo 64 B, close",
  warmups: 3,
  reach: cpu(reaches),
  measure: async (server, seconds) =>
    loadSample(await generator.watch(server.pid, "connect", server.port, 50, 64, warmup(seconds), seconds))
})

/** Messages that are echoed at a fixed rate, for their latencies. */
const atRate = (rate: number): Scenario => ({
  name: `64 B, 50 connections, ${rate.toLocaleString("en")}/s`,
  measure: async (server, seconds) =>
    loadSample(await generator.watch(server.pid, "rate", server.port, 50, 64, rate, warmup(seconds), seconds))
})

const contestants: Suite["contestants"] = [
  { name: "node:net", file: "tcpNode" },
  { name: "C, epoll", file: "echo", floor: [] },
  { name: "platform-node", file: "tcpPlatform" },
  { name: "pipe", file: "tcpSluicePipe" },
  { name: "Stream", file: "tcpSluiceStream" },
  { name: "Stream, lent", file: "tcpSluiceLent" },
  { name: "read, write", file: "tcpSluiceLoop" }
]

export const tcp: Suite = {
  name: "tcp",
  seconds: 170,
  title: "TCP echo",
  // The same server twice: what differs between the two is the noise of the machine.
  contestants: [...contestants, { name: "node:net again", file: "tcpNode" }],
  metrics: loadMetrics,
  scenarios: [
    echo("echo", 50, 64, 1, { "pipe": 0.92, "Stream": 1.05, "Stream, lent": 1.05, "read, write": 1.05 }),
    echo("echo", 50, 64, 16, { "pipe": 0.92, "Stream": 1.05, "Stream, lent": 1.05, "read, write": 1.05 }),
    echo("echo", 50, 16 * 1024, 1, { "pipe": 0.71, "Stream": 1.4, "Stream, lent": 1, "read, write": 1.4 }),
    connect({ "pipe": 1.1, "Stream": 1.25, "Stream, lent": 1.25, "read, write": 1.2 })
  ]
}

export const latency: Suite = {
  name: "latency",
  seconds: 60,
  title: "Latency of a TCP echo at a fixed rate",
  contestants: generator.language === "C" ? contestants : [],
  metrics: loadMetrics,
  scenarios: [5_000, 20_000, 40_000].map(atRate)
}

/** Each relay connects to an echo server for every connection that it accepts. */
export const relay = (upstream: number): Suite => ({
  name: "relay",
  seconds: 50,
  title: "TCP relay to an echo server on node:net",
  contestants: [
    { name: "node:net, pipe", file: "relayNode", args: [String(upstream)] },
    { name: "relay", file: "relaySluice", args: [String(upstream)] }
  ],
  metrics: loadMetrics,
  scenarios: [
    echo("echo", 50, 64, 16, { relay: 1 }),
    echo("echo", 50, 16 * 1024, 1, { relay: 1 }),
    connect({ relay: 1.4 })
  ]
})
