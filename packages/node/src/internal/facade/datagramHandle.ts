import type * as Dgram from "node:dgram"
import { isNode } from "./runtime.ts"

/** Calls back once, with the negated errno of a failure. */
type OnSent = (status: number) => void

/** Node's request for a datagram that the system does not take at once. */
interface Request {
  list?: ReadonlyArray<Uint8Array>
  oncomplete?: OnSent
}

interface Handle {
  send: (request: Request, list: ReadonlyArray<Uint8Array>, count: number, ...to: ReadonlyArray<unknown>) => number
}

// Node does not export the class of requests. It is learned from the first request.
let Request: (new() => Request) | undefined

/**
 * Sends datagrams through the private handle of a socket, which tells synchronously whether the system took one;
 * `socket.send` tells a callback, one turn of the event loop later. Where this handle is missing, `send` returns `"unsent"`,
 * and the caller uses `socket.send`.
 */
export class DatagramHandle {
  readonly #handle: Handle | undefined
  // A request that libuv did not keep is reused for the next datagram.
  #request: Request | undefined = undefined

  constructor(socket: Dgram.Socket) {
    const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "state symbol")
    const state = symbol && (socket as unknown as Record<symbol, { readonly handle?: Partial<Handle> }>)[symbol]
    const handle = state?.handle
    this.#handle = isNode && typeof handle?.send === "function" ? handle as Handle : undefined
    if (this.#handle !== undefined && Request === undefined) learnFrom(this.#handle)
  }

  /** `"queued"`: the system takes it later, and `onSent` is called. `"unsent"`: nothing has happened. */
  send(
    payload: Uint8Array,
    to: { readonly address: string; readonly port: number } | undefined,
    onSent: OnSent
  ): "sent" | "queued" | "unsent" {
    const handle = this.#handle
    if (handle === undefined || Request === undefined) return "unsent"
    const request = this.#request ??= new Request()
    const list = [payload]
    const result = to === undefined
      ? handle.send(request, list, 1, true)
      : handle.send(request, list, 1, to.port, to.address, true)
    if (result > 0) return "sent"
    if (result < 0) return "unsent"
    this.#request = undefined
    request.list = list
    request.oncomplete = onSent
    return "queued"
  }
}

const learnFrom = (handle: Handle): void => {
  const own = Object.getOwnPropertyDescriptor(handle, "send")
  const { send } = handle
  handle.send = (request, ...rest) => {
    if (own === undefined) Reflect.deleteProperty(handle, "send")
    else Object.defineProperty(handle, "send", own)
    Request = request.constructor as new() => Request
    return send.call(handle, request, ...rest)
  }
}
