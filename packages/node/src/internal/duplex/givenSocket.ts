import type * as Connection from "@sluice/core/Connection"
import * as Net from "node:net"
import { Duplex } from "node:stream"
import * as OwnChunk from "../facade/ownChunk.ts"
import { handleOf } from "../facade/socketHandle.ts"
import { localOf, nameOf, remoteOf, type SocketName } from "./socketFacts.ts"

/** Hears of input and output, and of reading that begins again after a pause. */
export interface Watcher {
  readonly sync: () => void
  readonly readBegins: () => void
}

/** What a socket asks before it does something. */
interface Giver {
  readonly connection: Connection.Connection
  readonly watcher: Watcher | undefined
  readonly resetByLibrary: () => void
  readonly onDestroy: (error: Error | null) => void
}

type Callback = (error?: Error | null) => void

const giver = Symbol("sluice giver")

/** The methods of a socket that this module replaces, some of them Node's own. */
interface Given extends Net.Socket {
  [giver]: Giver
  _getsockname: () => SocketName
  _getpeername: () => SocketName
  _unrefTimer: () => void
}

const node = Net.Socket.prototype as Given

/**
 * Makes an open socket close, and have addresses, as `DuplexSocket` does. Each socket gets properties of its own: to set
 * another prototype takes several times as long.
 */
export const become = (socket: Net.Socket, by: Giver): void => {
  const given = socket as Given
  given[giver] = by
  given._destroy = destroy
  given.resetAndDestroy = resetAndDestroy
  given._getsockname = localName
  given._getpeername = remoteName
  given.pause = pause
  given.push = push
}

/** Makes a socket of `become` report input and output at once, for timeouts. */
export const watch = (socket: Net.Socket): void => {
  const given = socket as Given
  given._unrefTimer = unrefTimer
  given._write = write
  given._writev = writev
  given._read = read
  given.resume = resume
}

function destroy(this: Given, error: Error | null, callback: Callback): void {
  this[giver].onDestroy(error)
  node._destroy.call(this, error, callback)
}

function resetAndDestroy(this: Given): Given {
  this[giver].resetByLibrary()
  return this
}

// Node has no addresses of a socket that is closed.
function localName(this: Given): SocketName {
  return nameOf(localOf(this[giver]))
}

function remoteName(this: Given): SocketName {
  return nameOf(remoteOf(this[giver]))
}

// A socket with a read buffer stops reading at once when it is paused. Others read up to the high-water mark.
function pause(this: Given): Given {
  return Duplex.prototype.pause.call(this) as Given
}

// Node gives it what it has read.
function push(this: Given, chunk: Uint8Array | null, encoding?: BufferEncoding): boolean {
  if (chunk !== null) OwnChunk.announce(chunk.length)
  return node.push.call(this, chunk, encoding)
}

// Node calls it for input, and for each write that is done.
function unrefTimer(this: Given): void {
  node._unrefTimer.call(this)
  this[giver].watcher?.sync()
}

function write(this: Given, chunk: unknown, encoding: BufferEncoding, callback: Callback): void {
  node._write.call(this, chunk, encoding, callback)
  this[giver].watcher?.sync()
}

function writev(
  this: Given,
  chunks: Array<{ chunk: unknown; encoding: BufferEncoding }>,
  callback: Callback
): void {
  node._writev!.call(this, chunks, callback)
  this[giver].watcher?.sync()
}

function read(this: Given, size: number): void {
  const wasReading = handleOf(this)?.reading === true
  node._read.call(this, size)
  if (!wasReading) this[giver].watcher?.readBegins()
}

function resume(this: Given): Given {
  this[giver].watcher?.readBegins()
  return node.resume.call(this) as Given
}
