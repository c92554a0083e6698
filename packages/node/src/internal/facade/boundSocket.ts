import * as Net from "node:net"
import { systemFailure } from "./systemFailure.ts"

/**
 * A bound socket. The process that holds it accepts no connections; a process that gets it by IPC can. A `net.Server` would
 * accept in both, so this is the handle of one.
 */
export interface BoundSocket {
  readonly fd: number
  readonly getsockname?: (into: Record<string, unknown>) => number
  readonly close: (done?: () => void) => void
}

interface Internals {
  readonly _createServerHandle: (
    address: string | null,
    port: number | null,
    family: 4 | 6 | -1 | null,
    fd?: number,
    flags?: number
  ) => BoundSocket | number
}

const internals = Net as unknown as Internals

// uv.h: UV_TCP_IPV6ONLY.
const ipv6OnlyFlag = 1

const checked = (handle: BoundSocket | number): BoundSocket => {
  if (typeof handle === "number") throw systemFailure("bind", handle)
  // libuv reports a port in use only when it is asked for the address.
  const late = handle.getsockname?.({}) ?? 0
  if (late === 0) return handle
  handle.close()
  throw systemFailure("bind", late)
}

/** Binds a TCP socket; throws a system error. */
export const bindTcp = (host: string, port: number, ipv6Only: boolean): BoundSocket =>
  checked(
    internals._createServerHandle(host, port, host.includes(":") ? 6 : 4, undefined, ipv6Only ? ipv6OnlyFlag : 0)
  )

/** Binds a Unix-domain socket; throws a system error. */
export const bindUnix = (path: string): BoundSocket => checked(internals._createServerHandle(path, -1, -1))

/** Wraps a descriptor that is already bound; throws a system error. */
export const bound = (descriptor: number): BoundSocket =>
  checked(internals._createServerHandle(null, null, null, descriptor))

/** Whether a value that IPC delivered is a bound socket. */
export const isBoundSocket = (u: unknown): u is BoundSocket =>
  typeof u === "object" && u !== null && "close" in u && "fd" in u

/** Makes a server listen on a bound socket. `Server.listen` takes a TCP socket, but not a Unix-domain one. */
export const listenOn = (server: Net.Server, socket: BoundSocket, backlog: number): void => {
  const internal = server as unknown as {
    _handle: BoundSocket
    readonly _listen2: (address: null, port: -1, family: -1, backlog: number, fd: undefined) => void
  }
  internal._handle = socket
  internal._listen2(null, -1, -1, backlog, undefined)
}
