import type * as Net from "node:net"
import { isNode } from "./runtime.ts"

interface Listening {
  readonly readStart: () => number
  readonly readStop: () => number
}

// A timer of 24 days, the longest.
const longest = 2 ** 31 - 1

/**
 * Makes a listening server stop accepting and continue, if its socket came from another process; connections wait in the
 * backlog of the system meanwhile.
 *
 * Node has no call for that, and a handle that is closed closes the inherited descriptor, which Node cannot duplicate. But
 * libuv polls a listening socket as it polls one that it reads: starting and stopping to read starts and stops accepting.
 * It allows that for descriptors that it was given, and not for sockets that it has bound (ENOTCONN); and on Windows it
 * would read.
 */
export const acceptingOf = (server: Net.Server): ((accepting: boolean) => void) | undefined => {
  const handle = (server as { readonly _handle?: Partial<Listening> })._handle
  if (!isNode || process.platform === "win32" || !canRead(handle) || handle.readStart() !== 0) return undefined
  // While libuv does not poll it, a socket does not keep the process running.
  let running: NodeJS.Timeout | undefined = undefined
  server.once("close", () => clearInterval(running))
  return (accepting) => {
    if (!server.listening) return
    clearInterval(running)
    if (accepting) handle.readStart()
    else {
      handle.readStop()
      running = setInterval(() => {}, longest)
    }
  }
}

const canRead = (handle: Partial<Listening> | undefined): handle is Listening =>
  typeof handle?.readStart === "function" && typeof handle.readStop === "function"
