import type * as Transport from "@sluice/core/Transport"
import * as NetAddress from "effect/net/NetAddress"
import type { Bound } from "../ports.ts"
import { isUnix, toSocketAddress } from "../socketAddress.ts"
import { systemError } from "../systemError.ts"
import { keyOf, type Segment } from "./segment.ts"
import { type Submit, TcpStream } from "./stream.ts"
import type { TcpTable } from "./table.ts"

/**
 * A listening socket. Open connections wait in its queue until the program is told of them, up to the backlog and one more
 * (listen(2); Linux, `sk_acceptq_is_full`). Half-open connections do not count, as with SYN cookies, which Linux has on.
 */
export class TcpListener implements Bound {
  readonly #table: TcpTable
  readonly #submit: Submit
  readonly #options: Transport.ListenSettings
  readonly #receiver: Transport.ListenerReceiver
  readonly #halfOpen = new Set<TcpStream>()
  #open: Array<TcpStream> = []
  #closed = false
  readonly address: string
  readonly port: number
  readonly ipv6Only: boolean
  readonly reusePort: boolean

  constructor(
    table: TcpTable,
    submit: Submit,
    bound: { readonly address: string; readonly port: number },
    options: Transport.ListenSettings,
    receiver: Transport.ListenerReceiver
  ) {
    this.#table = table
    this.#submit = submit
    this.#options = options
    this.#receiver = receiver
    this.address = bound.address
    this.port = bound.port
    this.ipv6Only = options.ipv6Only
    this.reusePort = options.reusePort
  }

  /** A SYN has come. */
  receive(syn: Segment): void {
    // There are no retransmissions on a Unix-domain socket: connect(2) fails.
    if (isUnix(this.address) && this.#halfOpen.size + this.#open.length > this.#options.backlog) {
      return this.#table.connections.get(keyOf(syn.source, syn.destination))?.vanish("EAGAIN")
    }
    // Not refused: the peer sends it again, and there may be room then.
    if (!this.#hasRoom()) return syn.drop("backlogFull")
    const stream: TcpStream = new TcpStream(this.#table, this.#submit, {
      local: syn.destination,
      remote: syn.source,
      noDelay: this.#options.noDelay,
      keepAlive: this.#options.keepAlive,
      reuseAddress: true
    }, {
      hasRoom: this.#hasRoom,
      onOpen: () => {
        this.#halfOpen.delete(stream)
        if (this.#open.push(stream) === 1) this.#submit(this.#announce)
      },
      onFailed: () => this.#halfOpen.delete(stream)
    })
    this.#halfOpen.add(stream)
    stream.endpoint.accept(syn)
  }

  readonly #hasRoom = (): boolean => this.#open.length <= this.#options.backlog

  readonly #announce = (): void => {
    const open = this.#open
    this.#open = []
    for (const stream of open) {
      if (this.#closed) stream.reset()
      else this.#accept(stream)
    }
  }

  // Without a descriptor it is closed at once, as libuv does.
  #accept(stream: TcpStream): void {
    const { descriptors } = this.#table
    if (!descriptors.isFree) {
      stream.reset()
      const where = NetAddress.formatSocketAddress(toSocketAddress(this))
      return this.#receiver.onAcceptError(systemError("accept", where, "EMFILE", "accept"))
    }
    descriptors.open(stream)
    this.#receiver.onConnection(stream)
  }

  /** Stops listening. Half-open connections, and those that the program has not been told of, are reset. */
  close(): void {
    if (this.#closed) return
    this.vanish()
    this.#table.listeners.unbind(this)
    for (const stream of [...this.#halfOpen, ...this.#open]) stream.reset()
    this.#halfOpen.clear()
    this.#open = []
  }

  /** Stops listening, and sends nothing. */
  vanish(): void {
    this.#closed = true
  }
}
