import type * as Transport from "@sluice/core/Transport"
import type { HostState } from "../host.ts"
import type { Bound } from "../ports.ts"
import type { Segment } from "./segment.ts"
import { TcpStream } from "./stream.ts"

/** A listening socket: half-open connections, and open ones that nobody has been told of, up to the backlog. */
export class TcpListener implements Bound {
  readonly #host: HostState
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
    host: HostState,
    bound: { readonly address: string; readonly port: number },
    options: Transport.ListenSettings,
    receiver: Transport.ListenerReceiver
  ) {
    this.#host = host
    this.#options = options
    this.#receiver = receiver
    this.address = bound.address
    this.port = bound.port
    this.ipv6Only = options.ipv6Only
    this.reusePort = options.reusePort
  }

  /** A SYN has come. */
  receive(syn: Segment): void {
    // Not refused: the peer tries again, and there may be room then.
    if (this.#halfOpen.size + this.#open.length >= this.#options.backlog) return syn.drop("backlogFull")
    const stream: TcpStream = new TcpStream(this.#host, {
      local: syn.destination,
      remote: syn.source,
      noDelay: this.#options.noDelay,
      keepAlive: this.#options.keepAlive
    }, {
      onOpen: () => {
        this.#halfOpen.delete(stream)
        if (this.#open.push(stream) === 1) this.#host.world.engine.submit(this.#announce)
      },
      onFailed: () => this.#halfOpen.delete(stream)
    })
    this.#halfOpen.add(stream)
    stream.endpoint.accept(syn)
  }

  readonly #announce = (): void => {
    const open = this.#open
    this.#open = []
    for (const stream of open) {
      if (this.#closed) stream.reset()
      else this.#receiver.onConnection(stream)
    }
  }

  /** Stops listening. What is only half open is reset. */
  close(): void {
    if (this.#closed) return
    this.vanish()
    this.#host.tcp.unlisten(this)
    for (const stream of this.#halfOpen) stream.reset()
    this.#halfOpen.clear()
  }

  /** Stops listening, and tells nobody. */
  vanish(): void {
    this.#closed = true
  }
}
