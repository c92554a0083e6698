// An empty write to a TLS socket succeeds. Deno 2.9 fails it with EPERM.
import tls from "node:tls"
import { certificate } from "./certificate.mjs"

const server = tls.createServer(certificate, (socket) => socket.resume()).listen(0, "127.0.0.1", () => {
  const { port } = server.address()
  const client = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
    client.on("error", ({ code }) => {
      console.log(code)
      process.exit(1)
    })
    client.write(new Uint8Array(0), (error) => process.exit(error ? 1 : 0))
  })
})
