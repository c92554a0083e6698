import type { Suite } from "../suite.ts"
import { generator } from "./tcp.ts"

const idleConnections = 5000

/** The memory of connections that are open and silent. */
export const idle: Suite = {
  name: "idle",
  seconds: 60,
  title: `Bytes of an idle connection, of ${idleConnections.toLocaleString("en")}`,
  contestants: [
    { name: "node:net", file: "tcpNode" },
    { name: "platform-node", file: "tcpPlatform" },
    { name: "pipe", file: "tcpSluicePipe" },
    { name: "Stream", file: "tcpSluiceStream" },
    { name: "read, write", file: "tcpSluiceLoop" },
    { name: "Framed.serve", file: "framingSluiceLines" }
  ],
  metrics: [{ name: "heap", better: "less" }, { name: "resident", better: "less" }],
  scenarios: [{
    name: "echoed 64 B, then silent",
    reach: {
      "pipe": { heap: 2.5, resident: 1.6 },
      "Stream": { heap: 3, resident: 2.5 },
      "Framed.serve": { heap: 3.5, resident: 3 }
    },
    measure: async (server) => {
      // What the first connections load and compile is not for them alone. Lines are echoed as lines.
      const mode = server.name === "Framed.serve" ? "idleLines" : "idle"
      await generator.hold([mode, server.port, 200, 64], server.usage)
      const before = await server.usage()
      const after = await generator.hold([mode, server.port, idleConnections, 64], server.usage)
      return {
        heap: (after.heap - before.heap) / idleConnections,
        resident: (after.resident - before.resident) / idleConnections
      }
    }
  }],
  rounds: 3,
  fresh: true
}

/** What it takes until a server listens, beside a program that imports Effect alone. */
export const start: Suite = {
  name: "start",
  seconds: 20,
  title: "Start until listening",
  contestants: [
    { name: "Effect, Layer, Stream imported", file: "importsEffect" },
    { name: "node:net", file: "tcpNode" },
    { name: "platform-node", file: "tcpPlatform" },
    { name: "Sluice", file: "tcpSluicePipe" }
  ],
  metrics: [{ name: "CPU ms", better: "less" }, { name: "wall ms", better: "less" }, {
    name: "heap MB",
    better: "less"
  }],
  scenarios: [{
    name: "built packages",
    reach: { Sluice: { "CPU ms": 1.3, "heap MB": 1.25 } },
    measure: async (server) => {
      const { heap, startCpu } = await server.usage()
      return { "CPU ms": startCpu, "wall ms": server.startWall, "heap MB": heap / 1e6 }
    }
  }],
  fresh: true
}
