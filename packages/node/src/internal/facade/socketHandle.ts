import type * as Net from "node:net"

/** What Node's sockets have below them. */
export interface SocketHandle {
  /** The descriptor, which Node shows here alone; negative when it is closed. */
  readonly fd?: number
  /** Whether libuv reads. */
  reading?: boolean
  /** The bytes that the system has not taken. */
  readonly writeQueueSize?: number
  readonly bytesRead: number
  readonly bytesWritten: number
  /** Writes the peer's address into the object, or returns a negated errno. Unix-domain sockets do not have it. */
  readonly getpeername?: (into: object) => number
  readonly readStart?: () => number
  readonly readStop: () => number
  /** Closes a TCP socket with a reset, or returns a negated errno. */
  readonly reset?: (done: () => void) => number
}

interface Internals {
  _handle: Partial<SocketHandle> | null | undefined
  readableFlowing: boolean | null
  resetAndClosing: boolean
  readonly _readableState: { reading: boolean }
  readonly _bytesDispatched: number
}

const internals = (socket: Net.Socket) => socket as unknown as Internals

/** The handle of a socket that is not destroyed. */
export const handleOf = (socket: Net.Socket): SocketHandle | undefined =>
  (internals(socket)._handle ?? undefined) as SocketHandle | undefined

// Node writes the address into an object. That takes half the time where it finds the properties.
const asked = { address: "", family: "", port: 0 }

/** The peer of an accepted TCP socket, unless it is gone. */
export const peerOf = (socket: Net.Socket): { readonly host: string; readonly port: number } | undefined => {
  const handle = handleOf(socket)
  if (handle?.getpeername === undefined) {
    const { remoteAddress: host, remotePort: port } = socket
    return host === undefined ? undefined : { host, port: port! }
  }
  return handle.getpeername(asked) === 0 ? { host: asked.address, port: asked.port } : undefined
}

/** The bytes that the system has taken of a socket; once that is destroyed, all that was given to the system. */
export const bytesTaken = (socket: Net.Socket): number =>
  internals(socket)._bytesDispatched - (handleOf(socket)?.writeQueueSize ?? 0)

/** Starts reading a socket into a buffer of its own, as `resume` does, but without its tick and its event. */
export const startFlowing = (socket: Net.Socket): void => {
  internals(socket).readableFlowing = true
  socket.read(0)
}

const none: ReadonlyArray<never> = []

/** Takes the chunks out of the buffer of a socket that does not flow yet. */
export const takeBuffered = (socket: Net.Socket): ReadonlyArray<Uint8Array> => {
  if (socket.readableLength === 0) return none
  const chunks: Array<Uint8Array> = []
  // Some versions of Node return all in one chunk, others one of them.
  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) chunks.push(chunk as Uint8Array)
  return chunks
}

/** Whether reading a socket was stopped. */
export const isPaused = (socket: Net.Socket): boolean => handleOf(socket)?.reading === false

/** Stops reading a socket with a buffer of its own, as a callback that answers `false` does. */
export const stopReading = (socket: Net.Socket): void => {
  const handle = handleOf(socket)
  if (handle === undefined) return
  handle.reading = false
  handle.readStop()
}

/** Makes a socket with a buffer of its own one that nobody has read from: it flows when it gets a listener of `data`. */
export const stopFlowing = (socket: Net.Socket): void => {
  internals(socket).readableFlowing = null
  internals(socket)._readableState.reading = false
}

/**
 * Makes the `_destroy` of a TCP socket reset the connection.
 *
 * libuv refuses to reset while a FIN is on its way to the system, and then Node never closes the descriptor. A FIN takes a turn
 * of the event loop, unless it waits for a write. It does so only if something below `node:net`, such as TLS, writes: then the
 * connection is closed without a reset.
 */
export const resetOnDestroy = (socket: Net.Socket): void => {
  const handle = handleOf(socket)!
  const { bytesRead, bytesWritten, writeQueueSize = 0 } = handle
  if (handle.reset === undefined || (writeQueueSize > 0 && socket.writableLength === 0)) return
  handle.readStop()
  const reset = (done: () => void) => {
    // The first may come within the same turn.
    setImmediate(() => setImmediate(() => handle.reset!(done)))
    return 0
  }
  internals(socket)._handle = { bytesRead, bytesWritten, reset }
  internals(socket).resetAndClosing = true
}

/** Takes the handle of a socket that is about to be destroyed. The socket is closed without it, in a later tick. */
export const takeHandle = (socket: Net.Socket): SocketHandle => {
  const handle = handleOf(socket)!
  const { bytesRead, bytesWritten } = handle
  const standIn = { bytesRead, bytesWritten, close: (done: () => void) => process.nextTick(done) }
  internals(socket)._handle = standIn
  return handle
}
