import * as Net from "node:net"
import type { SocketHandle } from "./socketHandle.ts"

/** Told how many bytes were read into which buffer; answers whether to continue reading. */
export type OnRead = (this: Net.Socket, length: number, buffer: Uint8Array) => boolean

const size = 64 * 1024

/**
 * Every socket of the process reads into this one buffer: what is read is used, or copied, before the next read can
 * begin. Node's way, a new 64 KiB buffer for each read, makes much work for the garbage collector.
 */
export const shared: Uint8Array = Buffer.allocUnsafeSlow(size)

/** A buffer for one socket alone. */
export const allocate = (): Uint8Array => Buffer.allocUnsafeSlow(size)

// The documented way to read into a buffer of one's own is the `onread` option, for sockets that one makes. Accepted
// sockets are made by Node without it; what it sets is found on a socket that has it.
const [bufferSymbol, callbackSymbol] = (() => {
  const probe = new Net.Socket({ onread: { buffer: shared, callback: () => true } } as Net.SocketConstructorOpts)
  const symbols = Object.getOwnPropertySymbols(probe)
  return ["kBuffer", "kBufferCb"].map((name) => symbols.find((symbol) => symbol.description === name))
})()

/**
 * Lets an open socket read into `buffer`, as if it had been made with the `onread` option. The one place that touches
 * what is Node's own: where this Node has it otherwise, it answers `false`, and the socket's `data` events serve.
 */
export const adopt = (socket: Net.Socket, buffer: Uint8Array, onRead: OnRead): boolean => {
  if (!canAdopt(socket)) return false
  const internals = socket as unknown as Internals
  internals._handle!.useUserBuffer!(buffer)
  internals[bufferSymbol!] = buffer
  internals[callbackSymbol!] = onRead
  return true
}

/** Whether `adopt` would succeed. */
export const canAdopt = (socket: Net.Socket): boolean =>
  bufferSymbol !== undefined && callbackSymbol !== undefined &&
  typeof (socket as unknown as Internals)._handle?.useUserBuffer === "function"

interface Internals {
  readonly _handle?: { readonly useUserBuffer?: (buffer: Uint8Array) => void } | null
  [symbol: symbol]: unknown
}

/** Gives what a socket with a buffer of `adopt` reads to another callback. */
export const redirect = (socket: Net.Socket, onRead: OnRead): void => {
  ;(socket as unknown as Record<symbol, unknown>)[callbackSymbol!] = onRead
}

/** Makes a socket of a handle, which reads into the shared buffer, and nothing else reads. */
export const socketOn = (handle: SocketHandle, onRead: OnRead): Net.Socket => {
  // The socket starts reading again, and gets a FIN that libuv has read before.
  handle.readStop()
  handle.reading = false
  const options = { handle, allowHalfOpen: true, onread: { buffer: shared, callback: onRead } }
  return new Net.Socket(options as unknown as Net.SocketConstructorOpts)
}
