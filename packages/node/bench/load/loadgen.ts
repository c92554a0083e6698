// What loadgen.c does, for machines without a compiler: the same arguments, the same line of JSON, slower.
import * as Net from "node:net"
import { isPatternAt, Measurement, patternAt, sendMessages } from "./measurement.ts"

const [mode, ...numbers] = process.argv.slice(2)
const [port, connections, size] = numbers.map(Number) as [number, number, number]

const echo = (inFlight: number, warmup: number, seconds: number): void => {
  const measurement = new Measurement(warmup, seconds, () => {
    measurement.print()
    process.exit()
  })
  const open = () => {
    const socket = Net.connect({ host: "127.0.0.1", port, noDelay: true })
    const sentAt: Array<number> = []
    let sent = 0
    let received = 0
    let messages = 0
    const send = (count: number) => {
      for (let i = 0; i < count; i++) {
        sentAt[(messages + i) % inFlight] = performance.now()
        socket.write(patternAt(sent, size))
        sent += size
      }
    }
    socket.on("connect", () => send(inFlight))
    socket.on("data", (chunk: Buffer) => {
      if (!isPatternAt(received, chunk)) measurement.errors++
      received += chunk.length
      const done = Math.floor(received / size) - messages
      for (let i = 0; i < done; i++) measurement.count(sentAt[(messages + i) % inFlight]!)
      send(done)
      messages += done
    })
    socket.on("error", () => measurement.errors++)
    socket.on("end", () => measurement.errors++)
  }
  for (let i = 0; i < connections; i++) open()
}

// Closed connections keep their port for a minute: a new address for each keeps ports from running out.
let turn = 0
const source = () => process.platform === "linux" ? { localAddress: `127.0.0.${2 + turn++ % 250}` } : {}

const connect = (warmup: number, seconds: number): void => {
  const measurement = new Measurement(warmup, seconds, () => {
    measurement.print()
    process.exit()
  })
  const open = () => {
    const openedAt = performance.now()
    const socket = Net.connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true, ...source() })
    let received = 0
    socket.write(patternAt(0, size))
    socket.on("data", (chunk: Buffer) => {
      if (!isPatternAt(received, chunk)) measurement.errors++
      received += chunk.length
      if (received === size) socket.end()
    })
    socket.on("error", () => measurement.errors++)
    socket.on("end", () => {
      if (received === size) measurement.count(openedAt)
      else measurement.errors++
    })
    socket.on("close", open)
  }
  for (let i = 0; i < connections; i++) open()
}

const idle = async (): Promise<void> => {
  const measurement = new Measurement(0, 60, () => process.exit(1))
  for (let i = 0; i < connections; i++) {
    const openedAt = performance.now()
    await new Promise<void>((resolve, reject) => {
      const socket = Net.connect({ host: "127.0.0.1", port, noDelay: true })
      let received = 0
      socket.write(patternAt(0, size))
      socket.on("data", (chunk: Buffer) => {
        if (!isPatternAt(received, chunk)) measurement.errors++
        received += chunk.length
        if (received === size) resolve()
      })
      socket.on("error", reject)
    })
    measurement.count(openedAt)
  }
  measurement.print()
  process.stdin.resume().on("end", () => process.exit())
}

if (mode === "length" || mode === "lines") sendMessages(mode, size)
if (mode === "idleLines") sendMessages("lines", size)

if (mode === "echo" || mode === "length" || mode === "lines") {
  echo(Number(numbers[3]), Number(numbers[4]), Number(numbers[5]))
} else if (mode === "connect") connect(Number(numbers[3]), Number(numbers[4]))
else await idle()
