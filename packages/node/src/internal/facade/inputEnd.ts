import * as Net from "node:net"
import type { TLSSocket } from "node:tls"
import { isNode } from "./runtime.ts"
import { handleOf } from "./socketHandle.ts"

/**
 * How the input of a TLS socket ends: with the peer's `close_notify`, or with a FIN without one.
 *
 * Node reports both alike. The TCP socket below differs at that moment: libuv has stopped reading it after a FIN, and
 * otherwise continues. On Bun and Deno, which have no such handle, a truncated stream counts as ended.
 */
export class InputEnd {
  /** Whether a FIN arrived without `close_notify`. */
  isTruncated = false
  /**
   * Whether records are unsent by then. If the peer has reset the connection, a failed write of OpenSSL's own records, such
   * as session tickets, shows in no other way.
   */
  isUnsent = false
  readonly #raw: Net.Socket
  readonly #observer: EndObserver
  #state: "open" | "held" | "ended" = "open"

  constructor(socket: TLSSocket, raw: Net.Socket, observer: EndObserver) {
    this.#raw = raw
    this.#observer = observer
    ;(socket as Watched)[watcher] = this
    socket.push = push
  }

  /** The input ends. Answers whether the socket may learn that now. */
  arrive(socket: TLSSocket): boolean {
    if (this.#state !== "open") return this.#state === "ended"
    this.isTruncated = hasStopped(socket, this.#raw)
    this.isUnsent = (handleOf(socket)?.writeQueueSize ?? 0) > 0
    this.#state = this.#observer.holdsEnd ? "held" : "ended"
    this.#observer.onInputEnd()
    return this.#state === "ended"
  }

  /** The socket has buffered input. */
  buffered(): void {
    this.#observer.onInput()
  }

  /** Lets the socket learn of an end that was held back. */
  release(socket: Net.Socket): void {
    if (this.#state !== "held") return
    this.#state = "ended"
    socket.push(null)
    socket.read(0)
  }
}

/** What the input of a socket is told to. */
export interface EndObserver {
  /** Whether the end waits for `release`: what came before it is still to be read. Node knows only what it has buffered. */
  readonly holdsEnd: boolean
  /** Called when the socket has buffered what arrived. */
  readonly onInput: () => void
  /** Called when the input ends, read or not. */
  readonly onInputEnd: () => void
}

// The method below is shared by all sockets and finds its object here.
const watcher = Symbol("sluice")

type Watched = TLSSocket & { [watcher]: InputEnd }

function push(this: TLSSocket, chunk: unknown, encoding?: BufferEncoding): boolean {
  const watching = (this as Watched)[watcher]
  if (chunk === null && !watching.arrive(this)) return false
  const wantsMore = Net.Socket.prototype.push.call(this, chunk, encoding)
  if (chunk !== null) watching.buffered()
  return wantsMore
}

const hasStopped = (socket: TLSSocket, raw: Net.Socket): boolean => {
  if (!isNode) return false
  // No FIN is seen while reading is paused.
  if (handleOf(socket)?.reading === false) return false
  // 0: reading had stopped and starts again. It finds the same FIN, which is ignored.
  return handleOf(raw)?.readStart?.() === 0
}
