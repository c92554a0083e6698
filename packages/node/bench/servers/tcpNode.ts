import * as Net from "node:net"
import { ready } from "./ready.ts"

const server = Net.createServer({ noDelay: true }, (socket) => {
  socket.on("data", (chunk) => socket.write(chunk))
  socket.on("error", () => socket.destroy())
})
server.listen({ host: "127.0.0.1", port: 0 }, () => ready((server.address() as Net.AddressInfo).port))
