import * as Conformance from "@sluice/conformance/Conformance"
import * as VitestConformance from "@sluice/conformance/VitestConformance"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Layer from "effect/Layer"
import { proxied } from "./proxied.ts"

const bufferLimit = 1024 * 1024
let paths = 0
const subjects = {
  TCP: { endpoint: () => "tcp://127.0.0.1:0", resets: true, bufferLimit },
  "Unix-domain": { endpoint: () => `unix:///run/${++paths}`, resets: false, bufferLimit }
}

for (const [name, subject] of Object.entries(subjects)) {
  VitestConformance.suite(
    `${name}, behind PROXY headers`,
    Layer.provide(proxied, SimNetwork.layerNetwork()),
    Conformance.streams(subject)
  )
}
