import Cluster from "node:cluster"
import * as Net from "node:net"
import { ready } from "./ready.ts"

const count = Number(process.argv[2])

if (Cluster.isPrimary) {
  let listening = 0
  Cluster.on("listening", (_, { port }) => {
    if (++listening === count) ready(port)
  })
  for (let worker = 0; worker < count; worker++) Cluster.fork()
} else {
  Net.createServer({ noDelay: true }, (socket) => {
    socket.on("data", (chunk) => socket.write(chunk))
    socket.on("error", () => socket.destroy())
  }).listen({ host: "127.0.0.1", port: 0 })
}
