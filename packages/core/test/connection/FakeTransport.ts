import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import { ConnectionState, type Options } from "../../src/internal/connection/state.ts"
import { makeTraffic } from "../../src/internal/connection/traffic.ts"
import { ContextCache } from "../../src/internal/tls/contextCache.ts"

/** What lent memory is overwritten with. */
export const poison = 0xdb

/** A transport that does what a test says, and notes what is done to it. */
export class FakeTransport implements Transport.SecureTransport {
  readonly localAddress = NetAddress.unixPathAddress("/near")
  readonly remoteAddress = NetAddress.unixPathAddress("/far")
  readonly tls = undefined as never
  /** What a reader gets of a chunk that it may keep. */
  readonly lends: boolean
  receiver: Transport.StreamReceiver | undefined = undefined
  /** Whether it takes what is written at once. */
  takes = true
  isFlowing = true
  isBusy = false
  closed = false
  readonly calls: Array<"write" | "end" | "destroy" | "reset"> = []
  readonly written: Array<Uint8Array> = []

  constructor(options: { readonly lends?: boolean } = {}) {
    this.lends = options.lends ?? false
  }

  start(receiver: Transport.StreamReceiver): void {
    this.receiver = receiver
  }

  resume(): void {
    this.isFlowing = true
  }

  keep(chunk: Uint8Array): Uint8Array {
    return this.lends ? chunk.slice() : chunk
  }

  /** The copies that were given back. They are overwritten, as the next copy would do it. */
  readonly recycled: Array<Uint8Array> = []

  recycle(chunk: Uint8Array): void {
    this.recycled.push(chunk)
    chunk.fill(poison)
  }

  /** Once it reads into a buffer of its own, a chunk stays as it is until the next is read. */
  isDedicated = false
  #lent: Uint8Array = new Uint8Array(0)

  dedicate(): boolean {
    return this.isDedicated = true
  }

  write(chunks: ReadonlyArray<Uint8Array>): boolean {
    this.calls.push("write")
    this.written.push(...chunks.map((chunk) => chunk.slice()))
    this.isBusy = !this.takes
    return this.takes
  }

  /** What the peer has not acknowledged, and how often that was asked. */
  outstanding: number | undefined = undefined
  asked = 0

  readonly unacknowledged = Effect.sync(() => {
    this.asked++
    return this.outstanding
  })

  end(): void {
    this.calls.push("end")
  }

  destroy(): void {
    this.calls.push("destroy")
  }

  reset(): void {
    this.calls.push("reset")
  }

  /** The peer sends. A lent chunk is overwritten when its time is over, as the next read would do it. */
  deliver(chunk: Uint8Array): void {
    if (this.lends) this.#lent.fill(poison)
    const { isDedicated } = this
    const lent = chunk.slice()
    this.#lent = lent
    this.isFlowing = this.receiver!.onData(lent)
    if (this.lends && !isDedicated) lent.fill(poison)
  }

  flush(): void {
    this.isBusy = false
    this.receiver!.onFlushed()
  }

  close(): void {
    this.closed = true
    this.receiver!.onClose()
  }
}

const noTls = new ContextCache({ secure: () => Effect.die("no TLS here") })

/** A connection over a transport. */
export const connect = (transport: Transport.StreamTransport, options: Partial<Options> = {}): ConnectionState =>
  new ConnectionState(transport, {
    closeTimeout: 2000,
    traffic: makeTraffic(),
    security: noTls,
    numbers: { connections: 0, subscriptions: 0 },
    role: "client",
    ...options
  })
