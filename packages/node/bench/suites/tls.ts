import * as Certificates from "@sluice/node/TestCertificates"
import * as Effect from "effect/Effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeGenerator } from "../load/generator.ts"
import { directory } from "../output.ts"
import { loadMetrics, loadSample, type Scenario, type Suite, warmup } from "../suite.ts"

const generator = makeGenerator("loadgenTls", "-lssl", "-lcrypto")

const reach = (ratio: number) => ({ "pipe": { "CPU µs": ratio }, "read, write": { "CPU µs": ratio } })

const handshake = (kind: "full" | "resumed", ratio: number): Scenario => ({
  name: `${kind} handshake, echo 1 B, close`,
  reach: reach(ratio),
  measure: async (server, seconds) =>
    loadSample(await generator.watch(server.pid, kind, server.port, 20, warmup(seconds), seconds))
})

const echo = (connections: number, size: number, inFlight: number, ratio: number): Scenario => ({
  name: `${size >= 1024 ? `${size / 1024} KiB` : `${size} B`}, ${connections} connections, ${inFlight} in flight`,
  reach: reach(ratio),
  measure: async (server, seconds) =>
    loadSample(
      await generator.watch(server.pid, "echo", server.port, connections, size, inFlight, warmup(seconds), seconds)
    )
})

/** TLS 1.3 with the ciphers that both sides prefer, and a certificate with a P-256 key. */
export const tls = async (): Promise<Suite> => {
  const certificate = await Effect.runPromise(
    Effect.flatMap(Certificates.authority("Benchmark CA"), (authority) => authority.issue({ names: ["localhost"] }))
  )
  const folder = join(directory, "tls")
  mkdirSync(folder, { recursive: true })
  const chain = join(folder, "chain.pem")
  const key = join(folder, "key.pem")
  writeFileSync(chain, certificate.chain)
  writeFileSync(key, certificate.key)
  return {
    name: "tls",
    seconds: 110,
    title: "TLS echo",
    contestants: [
      { name: "node:tls", file: "tlsNode" },
      { name: "C, OpenSSL", file: "tls", args: [chain, key], floor: ["-lssl", "-lcrypto"] },
      { name: "pipe", file: "tlsSluicePipe" },
      { name: "read, write", file: "tlsSluiceLoop" }
    ],
    metrics: loadMetrics,
    scenarios: [
      handshake("full", 1),
      handshake("resumed", 1.05),
      echo(50, 64, 1, 1.05),
      echo(50, 64, 16, 1.05),
      echo(50, 16 * 1024, 1, 1),
      echo(50, 64 * 1024, 4, 1.1)
    ]
  }
}
