import { makeGenerator } from "../load/generator.ts"
import { loadMetrics, loadSample, type Suite, warmup } from "../suite.ts"
import { connect, echo } from "./tcp.ts"

const generator = makeGenerator("loadgenHttp")

// At least nine tenths of Node's rate.
const reach = { NodeDuplex: { "CPU µs": 1.1, "k/s": 0.9 } }

/** The same code of node:net, on Node's sockets and on those of `NodeDuplex`. */
export const bridge: Suite = {
  name: "bridge",
  seconds: 60,
  title: "TCP echo by sockets of NodeDuplex",
  contestants: [
    { name: "node:net", file: "tcpNode" },
    { name: "NodeDuplex", file: "tcpSluiceDuplex" }
  ],
  metrics: loadMetrics,
  together: true,
  scenarios: [
    { ...echo("echo", 50, 64, 1), reach },
    { ...echo("echo", 50, 64, 16), reach },
    { ...echo("echo", 50, 16 * 1024, 1), reach },
    connect({ NodeDuplex: 1.6 })
  ]
}

/** The same server of node:http, on a socket of its own and over Sluice. */
export const bridgeHttp: Suite = {
  name: "bridge-http",
  seconds: 30,
  title: "HTTP/1.1 by node:http over Sluice",
  contestants: [
    { name: "node:http", file: "httpNode" },
    { name: "NodeDuplex", file: "httpSluice" }
  ],
  metrics: loadMetrics,
  together: true,
  scenarios: [1, 50].map((connections) => ({
    name: `GET, ${connections} ${connections === 1 ? "connection" : "connections"}`,
    reach,
    measure: async (server, seconds) =>
      loadSample(
        await generator.watch(server.pid, "get", server.port, connections, warmup(seconds), seconds)
      )
  }))
}
