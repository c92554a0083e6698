import { onTestFinished } from "@effect/vitest"
import * as Dgram from "node:dgram"

/** A plain datagram socket. It is closed when the test is over. */
export const bind = async (onMessage: (payload: Buffer, reply: (text: string) => void) => void = () => {}) => {
  const socket = Dgram.createSocket("udp4")
  onTestFinished(async () => {
    await new Promise<void>((resolve) => socket.close(resolve))
  })
  socket.on("message", (payload, { address, port }) => onMessage(payload, (text) => socket.send(text, port, address)))
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve))
  return socket
}

/** Sends a datagram, once, and gives the answer. */
export const ask = async (port: number, message: string): Promise<string> => {
  const socket = await bind()
  const answer = new Promise<string>((resolve) => socket.once("message", (payload) => resolve(payload.toString())))
  socket.send(message, port, "127.0.0.1")
  return answer
}
