// Clients that stay, and come back when their server is gone: at once, or after a random time. It prints a line when all are
// connected, each time. Arguments: the port, how many, and the longest random time in milliseconds.
import * as Net from "node:net"

const [port, count, jitter] = process.argv.slice(2).map(Number) as [number, number, number]

let connected = 0
let failed = 0
let begun = performance.now()
let latencies: Array<number> = []
let turn = 0

const open = (): void => {
  const openedAt = performance.now()
  // A port is one of 28,000 for each address.
  const socket = Net.connect({ host: "127.0.0.1", port, localAddress: `127.0.0.${2 + turn++ % 50}` })
  let isServed = false
  socket.on("connect", () => socket.write("hello"))
  socket.on("data", () => {
    if (isServed) return
    isServed = true
    latencies.push(performance.now() - openedAt)
    if (++connected === count) tell()
  })
  socket.on("error", () => {
    failed++
  })
  socket.on("close", () => {
    if (isServed && connected-- === count) {
      begun = performance.now()
      failed = 0
      latencies = []
    }
    // A client that was refused tries again soon, or with jitter, too.
    setTimeout(open, isServed || jitter > 0 ? Math.random() * jitter : 100)
  })
}

const tell = (): void => {
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))]
  console.log(JSON.stringify({ seconds: (performance.now() - begun) / 1_000, failed, p50: at(0.5), p99: at(0.99) }))
}

for (let i = 0; i < count; i++) setTimeout(open, i / 10)
