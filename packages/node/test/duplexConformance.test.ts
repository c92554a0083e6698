import * as Conformance from "@sluice/conformance/Conformance"
import * as VitestConformance from "@sluice/conformance/VitestConformance"
import { overSockets, thereAndBack } from "./fixtures/duplexPlatform.ts"
import { resets } from "./fixtures/resets.ts"

const tcp = { endpoint: () => "tcp://127.0.0.1:0", resets, bufferLimit: 16 * 1024 * 1024 }

// What depends on the kind of Duplex.
const ofSockets = Conformance.streams(tcp).filter(({ law }) => law.startsWith("R") || law === "B2")

VitestConformance.suite("connections of Node's sockets", overSockets, ofSockets)
VitestConformance.suite("connections that were sockets of NodeDuplex", thereAndBack, Conformance.streams(tcp))
