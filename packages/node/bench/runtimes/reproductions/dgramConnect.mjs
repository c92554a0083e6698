// A connected socket gets datagrams of its peer only. Deno 2.9 delivers those of others.
import dgram from "node:dgram"
import { once } from "node:events"

const bound = async () => {
  const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1")
  await once(socket, "listening")
  return socket
}
const [peer, stranger, connected] = [await bound(), await bound(), await bound()]
connected.connect(peer.address().port, "127.0.0.1")
await once(connected, "connect")
connected.on("message", (message) => {
  console.log(`received "${message}" from another socket than its peer`)
  process.exit(1)
})
stranger.send("unasked", connected.address().port, "127.0.0.1")
setTimeout(() => process.exit(0), 500)
