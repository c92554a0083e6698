import { loadMetrics, type Suite } from "../suite.ts"
import { echo } from "./tcp.ts"

const payload = 64
const reaches = { "Framed.serve": 1, "Framed.serve, Effect.fnUntraced": 1, "Framed.serve, Effect.gen": 1 }

/** Servers that answer each message with itself. Those by hand check the same limits, and decode UTF-8 as strictly. */
export const framing = (["Lines", "Length"] as const).map((format): Suite => ({
  name: `framing-${format.toLowerCase()}`,
  seconds: 40,
  title: format === "Lines" ? "Lines, echoed" : "Messages behind their length, echoed",
  contestants: [
    { name: "node:net by hand", file: `framingNode${format}` },
    { name: "Framed.serve", file: `framingSluice${format}` },
    { name: "Framed.serve, Effect.fnUntraced", file: `framingFn${format}` },
    // A generator function for each message.
    { name: "Framed.serve, Effect.gen", file: `framingGen${format}` }
  ],
  metrics: loadMetrics,
  scenarios: [1, 16].map((inFlight) =>
    format === "Lines"
      ? echo("lines", 50, payload + 1, inFlight, reaches)
      : echo("length", 50, payload + 4, inFlight, reaches)
  )
}))
