// Asks a server by HTTP/1.1 on connections that are kept: `loadgenHttp.ts get PORT CONNECTIONS WARMUP SECONDS`. It counts
// bytes instead of parsing them, so that the server is what is measured: all responses are as long as the first.
import * as Net from "node:net"
import { Measurement } from "./measurement.ts"

const [port, connections, warmup, seconds] = process.argv.slice(3).map(Number) as [number, number, number, number]
const request = Buffer.from("GET /hello HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n")

const measurement = new Measurement(warmup, seconds, () => {
  measurement.print()
  process.exit()
})

/** The length of a response, once it is all here. */
const lengthOf = (response: string): number | undefined => {
  const head = response.indexOf("\r\n\r\n") + 4
  const [, body] = /\r\ncontent-length: (\d+)\r\n/i.exec(response) ?? []
  const length = head + Number(body)
  return head > 4 && response.length >= length ? length : undefined
}

const open = (): void => {
  const socket = Net.connect({ host: "127.0.0.1", port, noDelay: true })
  let length: number | undefined
  let first = ""
  let received = 0
  let sentAt = 0
  const send = () => {
    sentAt = performance.now()
    socket.write(request)
  }
  socket.on("connect", send)
  socket.on("data", (chunk: Buffer) => {
    if (length === undefined) {
      first += chunk.toString("latin1")
      length = lengthOf(first)
      if (length === undefined) return
      if (!first.startsWith("HTTP/1.1 200 OK\r\n")) measurement.errors++
      received = first.length
    } else {
      received += chunk.length
    }
    if (received < length) return
    if (received > length) measurement.errors++
    received = 0
    measurement.count(sentAt)
    send()
  })
  socket.on("error", () => measurement.errors++)
  socket.on("end", () => measurement.errors++)
}

for (let i = 0; i < connections; i++) open()
