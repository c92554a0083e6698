// What loadgenTls.c does, for machines without a compiler or OpenSSL's headers: the same arguments, the same line of JSON,
// slower.
import * as Tls from "node:tls"
import { isPatternAt, Measurement, patternAt } from "./measurement.ts"

const [mode, ...numbers] = process.argv.slice(2)
const [port, connections] = numbers.map(Number) as [number, number]
const [size, inFlight] = mode === "echo" ? numbers.slice(2, 4).map(Number) as [number, number] : [1, 1]
const [warmup, seconds] = numbers.slice(-2).map(Number) as [number, number]

const measurement = new Measurement(warmup, seconds, () => {
  measurement.print()
  process.exit()
})

// Who the server is does not matter here.
const secureContext = Tls.createSecureContext()
let session: Buffer | undefined

// Closed connections keep their port for a minute: a new address for each keeps ports from running out.
let turn = 0
const source = () => process.platform === "linux" ? { localAddress: `127.0.0.${2 + turn++ % 250}` } : {}

const open = () => {
  // The first of all have none.
  const offered = mode === "resumed" ? session : undefined
  const sentAt: Array<number> = Array.from({ length: inFlight }, () => performance.now())
  const socket = Tls.connect({
    host: "127.0.0.1",
    port,
    secureContext,
    rejectUnauthorized: false,
    ...source(),
    ...(offered === undefined ? {} : { session: offered })
  })
  socket.setNoDelay(true)
  let sent = 0
  let received = 0
  let messages = 0
  const send = () => {
    socket.write(patternAt(sent, size))
    sent += size
  }
  for (let i = 0; i < inFlight; i++) send()
  socket.on("session", (given: Buffer) => session ??= given)
  socket.on("data", (chunk: Buffer) => {
    if (!isPatternAt(received, chunk)) measurement.errors++
    received += chunk.length
    while (received >= (messages + 1) * size) {
      if (mode !== "echo") return void socket.end()
      const at = messages++ % inFlight
      measurement.count(sentAt[at]!)
      sentAt[at] = performance.now()
      send()
    }
  })
  socket.on("end", () => {
    if (mode === "echo") measurement.errors++
    else if (mode === "full" || offered !== undefined) measurement.count(sentAt[0]!)
    if (offered !== undefined && !socket.isSessionReused()) measurement.errors++
    if (mode !== "echo") open()
  })
  socket.on("error", () => measurement.errors++)
}
for (let i = 0; i < connections; i++) open()
