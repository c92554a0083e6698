import * as Conformance from "@sluice/conformance/Conformance"
import * as VitestConformance from "@sluice/conformance/VitestConformance"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, expect } from "vitest"
import { overTls } from "./fixtures/overTls.ts"
import { networkReading } from "./fixtures/reading.ts"
import { resets } from "./fixtures/resets.ts"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "sluice-"))
afterAll(() => {
  const left = Fs.readdirSync(folder)
  Fs.rmSync(folder, { recursive: true })
  expect(left, "socket files left behind").toEqual([])
})

const mebibyte = 1024 * 1024
// A send buffer grows to 4 MiB, and a receive buffer only while the program reads.
const tcp = (host: string) => ({ endpoint: () => `tcp://${host}:0`, resets, bufferLimit: 16 * mebibyte })
let paths = 0
const streams = {
  "TCP over IPv4": tcp("127.0.0.1"),
  "TCP over IPv6": tcp("[::1]"),
  // Its buffers hold 208 KiB unless a program asks for more.
  "Unix-domain": { endpoint: () => `unix://${folder}/${++paths}`, resets: false, bufferLimit: 4 * mebibyte }
}

for (const reuseReadBuffer of [true, false]) {
  const network = networkReading({ reuseReadBuffer })
  for (const [name, subject] of Object.entries(streams)) {
    const how = reuseReadBuffer ? "one read buffer" : "data events"
    VitestConformance.suite(`${name}, ${how}`, network, Conformance.streams(subject))
  }
}

// Over TLS a reset that is reported as an end is an end without close_notify: neither what these two expect.
const needReset = ["a peer that never reads cannot hold a close", "where there is no reset"]
const overTlsChecks = (host: string) =>
  Conformance.streams(tcp(host)).filter(({ name }) => resets || !needReset.some((each) => name.startsWith(each)))

for (const [name, host] of [["IPv4", "127.0.0.1"], ["IPv6", "[::1]"]] as const) {
  VitestConformance.suite(`TLS over ${name}`, overTls(NodeNetwork.layer), overTlsChecks(host))
}

VitestConformance.suite(
  "UDP over IPv4",
  NodeNetwork.layer,
  Conformance.datagrams({ endpoint: () => "udp://127.0.0.1:0", refuses: true })
)

VitestConformance.suite(
  "UDP over IPv6",
  NodeNetwork.layer,
  Conformance.datagrams({ endpoint: () => "udp://[::1]:0", refuses: true })
)
