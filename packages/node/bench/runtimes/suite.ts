/**
 * Runs the conformance suite over `NodeNetwork` in the runtime that runs this file: Node, Bun or Deno. Each check is a line
 * of JSON on standard output. `suite.ts NAME [FIRST]` runs the checks of one kind of socket, from a number on.
 */
import * as Conformance from "@sluice/conformance/Conformance"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeNetwork from "../../src/NodeNetwork.ts"
import { overTls } from "../../test/fixtures/overTls.ts"
import type { Result } from "./results.ts"

const folder = mkdtempSync(join(tmpdir(), "sluice-"))
const mebibyte = 1024 * 1024
const tcp = { endpoint: () => "tcp://127.0.0.1:0", resets: true, bufferLimit: 16 * mebibyte }
let paths = 0
const unix = { endpoint: () => `unix://${folder}/${++paths}`, resets: false, bufferLimit: 4 * mebibyte }

const suites = {
  TCP: { network: NodeNetwork.layer, checks: Conformance.streams(tcp) },
  Unix: { network: NodeNetwork.layer, checks: Conformance.streams(unix) },
  TLS: { network: overTls(NodeNetwork.layer), checks: Conformance.streams(tcp) },
  UDP: {
    network: NodeNetwork.layer,
    checks: Conformance.datagrams({ endpoint: () => "udp://127.0.0.1:0", refuses: true })
  }
}

// A callback that throws is not the result of a check, and must not end the run.
process.on("uncaughtException", (error) => console.error(error))
process.on("unhandledRejection", (error) => console.error(error))

// Deno ends a program whose promises nothing can complete any more. Here it would hide a check that hangs.
setInterval(() => {}, 1000)

// Some checks allow half a minute. What passes does so in far less.
const selected = process.argv[2] as keyof typeof suites
const { checks, network } = suites[selected]
for (const { law, name, run } of checks.slice(Number(process.argv[3] ?? 0))) {
  const exit = await Effect.runPromiseExit(
    Effect.provide(run, network).pipe(Effect.timeout("8 seconds"))
  )
  const finding = Exit.isSuccess(exit) ? undefined : Cause.squash(exit.cause)
  const result: Result = {
    suite: selected,
    law,
    name,
    finding: finding === undefined ? undefined : finding instanceof Error ? finding.message : String(finding)
  }
  console.log(JSON.stringify(result))
}
rmSync(folder, { recursive: true, force: true })
process.exit(0)
