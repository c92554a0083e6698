import * as Net from "node:net"
import { ready } from "./ready.ts"

/** A server on `node:net`: `makeAnswer` gives what answers the whole messages of each chunk, and throws on bad ones. */
export const serveByHand = (
  makeAnswer: () => { readonly answer: (chunk: Buffer) => Buffer | undefined; readonly isBetween: () => boolean }
): void => {
  const server = Net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const { answer, isBetween } = makeAnswer()
    socket.on("data", (chunk) => {
      try {
        const reply = answer(chunk as Buffer)
        // A client that does not read is not read from.
        if (reply !== undefined && !socket.write(reply)) socket.pause()
      } catch (error) {
        process.stderr.write(`${(error as Error).message}\n`)
        socket.destroy()
      }
    })
    socket.on("drain", () => socket.resume())
    socket.on("end", () => {
      if (!isBetween()) process.stderr.write("the last message is cut off\n")
      socket.end()
    })
    socket.on("error", () => socket.destroy())
  })
  server.listen({ host: "127.0.0.1", port: 0 }, () => ready((server.address() as Net.AddressInfo).port))
}
