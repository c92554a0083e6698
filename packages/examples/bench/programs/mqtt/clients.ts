// A publisher and subscribers on plain sockets, which do as little as they can.
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { encode, type Packet } from "../../../src/mqtt/Message.ts"

const publishing = { duplicate: false, retain: false, topic: "load/a", properties: undefined } as const
const payload = Buffer.alloc(16, "x")

const connecting = (clientId: string): Packet => ({
  _tag: "Connect",
  protocol: "MQTT",
  level: 4,
  willRetain: false,
  willQos: 0,
  clean: true,
  keepAlive: 0,
  properties: undefined,
  clientId,
  will: undefined,
  userName: undefined,
  password: undefined
})

const opened = async (port: number, clientId: string): Promise<Socket> => {
  const socket = connect(port, "127.0.0.1").setNoDelay(true)
  socket.write(encode(connecting(clientId)))
  await once(socket, "data")
  return socket
}

const subscribed = async (port: number, clientId: string, qos: 0 | 1): Promise<Socket> => {
  const socket = await opened(port, clientId)
  const topics = [{ filter: publishing.topic, options: qos }]
  socket.write(encode({ _tag: "Subscribe", id: 1, properties: undefined, topics }))
  await once(socket, "data")
  return socket
}

/** Publishes for some seconds, at most 500 messages ahead of the subscribers, and returns how many arrived at all of them. */
export const load = async (port: number, subscribers: number, qos: 0 | 1, seconds: number): Promise<number> => {
  const message = encode({ _tag: "Publish", ...publishing, qos, id: qos === 0 ? undefined : 1, payload })
  const batch = Buffer.concat(Array.from({ length: 50 }, () => message))
  const sockets = await Promise.all(Array.from({ length: subscribers }, (_, i) => subscribed(port, `s${i}`, qos)))
  const publisher = await opened(port, "publisher")
  publisher.resume()
  const end = performance.now() + seconds * 1000
  let published = 0
  let bytes = 0
  await new Promise<void>((resolve) => {
    const publish = () => {
      const arrived = Math.floor(bytes / message.length)
      while (performance.now() < end && published - arrived / subscribers < 450) {
        publisher.write(batch)
        published += 50
      }
      if (arrived === published * subscribers) resolve()
    }
    for (const socket of sockets) {
      let rest: Buffer = Buffer.alloc(0)
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length
        if (qos === 1) rest = acknowledge(socket, Buffer.concat([rest, chunk]), message.length)
        publish()
      })
    }
    publish()
  })
  for (const socket of [...sockets, publisher]) socket.destroy()
  return published * subscribers
}

/** Acknowledges the whole messages at the beginning of some bytes, and returns the others. */
const acknowledge = (socket: Socket, bytes: Buffer, length: number): Buffer => {
  const count = Math.floor(bytes.length / length)
  const packets = Array.from({ length: count }, (_, i) => {
    const at = (i + 1) * length - payload.length - 2
    return [0x40, 2, bytes[at]!, bytes[at + 1]!]
  })
  socket.write(Uint8Array.from(packets.flat()))
  return bytes.subarray(count * length)
}
