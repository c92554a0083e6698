// The callback of `write` waits while the peer does not read. Deno 2.9 takes any number of bytes.
import tls from "node:tls"
import { certificate } from "./certificate.mjs"

const chunks = 64
const server = tls.createServer(certificate, (socket) => socket.pause()).listen(0, "127.0.0.1", () => {
  const { port } = server.address()
  const client = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
    let written = 0
    const write = () => client.write(new Uint8Array(1024 * 1024), () => ++written < chunks && write())
    write()
    setTimeout(() => {
      console.log(`${written} MiB were written to a peer that does not read`)
      process.exit(written < chunks ? 0 : 1)
    }, 1500)
  })
})
