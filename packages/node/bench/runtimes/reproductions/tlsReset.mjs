// A reset of the connection below a TLS socket is an error, ECONNRESET. Deno 2.9 reports an end.
import net from "node:net"
import tls from "node:tls"
import { certificate } from "./certificate.mjs"

const server = net.createServer((raw) => {
  const socket = new tls.TLSSocket(raw, { isServer: true, ...certificate })
  socket.on("error", () => {})
  socket.on("secure", () => setTimeout(() => raw.resetAndDestroy(), 100))
}).listen(0, "127.0.0.1", () => {
  const client = tls.connect({ port: server.address().port, host: "127.0.0.1", rejectUnauthorized: false }).resume()
  client.on("end", () => {
    console.log("an end")
    process.exit(1)
  })
  client.on("error", ({ code }) => {
    console.log(code)
    process.exit(code === "ECONNRESET" ? 0 : 1)
  })
})
