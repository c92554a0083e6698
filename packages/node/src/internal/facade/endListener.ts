import * as Net from "node:net"
import { isNode } from "./runtime.ts"

// What every socket of Node listens with itself.
const [own] = new Net.Socket().listeners("end")

/**
 * Listens for the end of the input, in the place of Node's own listener, which does nothing on a socket with `allowHalfOpen`:
 * a second listener would cost every idle connection a hundred bytes.
 */
export const listenForEnd = (socket: Net.Socket, listener: (this: Net.Socket) => void): void => {
  if (isNode && socket.allowHalfOpen && own !== undefined) socket.off("end", own as () => void)
  socket.on("end", listener)
}
