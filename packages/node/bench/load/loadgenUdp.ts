// What loadgenUdp.c does, for machines without a compiler: the same arguments, the same line of JSON, slower.
import * as Dgram from "node:dgram"
import { isPatternAt, Measurement, patternAt } from "./measurement.ts"

const [port, clients, size, inFlight, warmup, seconds] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
  number
]

// A datagram that has not come back after this time is lost.
const patienceMillis = 250
const headerBytes = 8

const measurement = new Measurement(warmup, seconds, () => {
  measurement.print()
  process.exit()
})
let nextSequence = 1

const open = () => {
  const socket = Dgram.createSocket("udp4")
  const slots: Array<{ sequence: number; sentAt: number }> = []
  const sendIn = (slot: number) => {
    const sequence = nextSequence++
    slots[slot] = { sequence, sentAt: performance.now() }
    const header = Buffer.alloc(headerBytes)
    header.writeUInt32LE(slot, 0)
    header.writeUInt32LE(sequence, 4)
    socket.send([header, patternAt(sequence, size - headerBytes)])
  }
  socket.on("message", (datagram) => {
    const isWhole = datagram.length === size
    const index = isWhole ? datagram.readUInt32LE(0) : inFlight
    const sequence = isWhole ? datagram.readUInt32LE(4) : 0
    if (index >= inFlight || !isPatternAt(sequence, datagram.subarray(headerBytes))) {
      measurement.errors++
      return
    }
    const slot = slots[index]!
    // A request that was given up already.
    if (slot.sequence !== sequence) return
    measurement.count(slot.sentAt)
    sendIn(index)
  })
  socket.on("error", () => measurement.errors++)
  socket.connect(port, "127.0.0.1", () => {
    for (let i = 0; i < inFlight; i++) sendIn(i)
    setInterval(() => {
      slots.forEach(({ sentAt }, index) => {
        if (performance.now() - sentAt < patienceMillis) return
        if (measurement.isCounting) measurement.lost++
        sendIn(index)
      })
    }, patienceMillis / 4)
  })
}
for (let i = 0; i < clients; i++) open()
