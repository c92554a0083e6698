import type * as Net from "node:net"
import * as Tls from "node:tls"
import { certificate } from "./certificate.ts"
import { ready } from "./ready.ts"

const server = Tls.createServer({ cert: certificate.chain, key: certificate.key, noDelay: true }, (socket) => {
  socket.on("data", (chunk) => {
    // A client that does not read is not read from.
    if (!socket.write(chunk)) socket.pause()
  })
  socket.on("drain", () => socket.resume())
  socket.on("error", () => socket.destroy())
})
server.on("tlsClientError", () => {})
server.listen({ host: "127.0.0.1", port: 0 }, () => ready((server.address() as Net.AddressInfo).port))
