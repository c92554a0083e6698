import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import { formatPeer } from "../address/peerAddress.ts"
import { systemError } from "../network/systemError.ts"
import { closeCode, isInOrder, toNetworkError } from "./socketError.ts"

const encoder = new TextEncoder()

/** What a transport is made of: a Socket's reader and writer, acquired in Scopes that are the transport's. */
export interface Options {
  readonly reader: Socket.Reader
  readonly readerScope: Scope.Closeable
  readonly writer: Socket.Writer
  readonly writerScope: Scope.Closeable
  readonly context: Context.Context<never>
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
  readonly halfOpen: boolean
  /** How long closing may take, in milliseconds. */
  readonly closeTimeout: number
}

/** A `Socket` of Effect's as the transport of a connection. */
export class SocketTransport implements Transport.StreamTransport {
  readonly localAddress: NetAddress.SocketAddress
  readonly remoteAddress: NetAddress.SocketAddress
  readonly #options: Options
  readonly #run: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  #receiver!: Transport.StreamReceiver
  #reading: Fiber.Fiber<unknown, unknown> | undefined = undefined
  #writing: Fiber.Fiber<unknown, unknown> | undefined = undefined
  #flowing = true
  #wake: (() => void) | undefined = undefined
  #peerEnded = false
  #outputEnded = false
  #closing = false

  constructor(options: Options) {
    this.#options = options
    this.#run = Effect.runForkWith(options.context)
    this.localAddress = options.localAddress
    this.remoteAddress = options.remoteAddress
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reading
  // -------------------------------------------------------------------------------------------------------------------

  start(receiver: Transport.StreamReceiver): void {
    this.#receiver = receiver
    const reading = this.#run(Effect.forever(Effect.flatMap(this.#options.reader.pull, this.#deliver)))
    this.#reading = reading
    reading.addObserver((exit) => this.#onReadEnd(exit))
  }

  readonly #deliver = (frames: ReadonlyArray<Uint8Array | string>): Effect.Effect<void> =>
    Effect.forEach(frames, (frame) => {
      const chunk = typeof frame === "string" ? encoder.encode(frame) : frame
      if (chunk.length === 0) return Effect.void
      return Effect.andThen(
        this.#whenFlowing,
        Effect.sync(() => {
          if (!this.#closing) this.#flowing = this.#receiver.onData(chunk)
        })
      )
    }, { discard: true })

  readonly #whenFlowing: Effect.Effect<void> = Effect.suspend(() =>
    this.#flowing ? Effect.void : Effect.callback((resume) => {
      this.#wake = () => resume(Effect.void)
    })
  )

  resume(): void {
    this.#flowing = true
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  #onReadEnd(exit: Exit.Exit<unknown, unknown>): void {
    if (this.#closing) return
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    if (Socket.isSocketError(error) && error.reason._tag === "SocketCloseError" && isInOrder(error.reason.code)) {
      this.#peerEnded = true
      this.#receiver.onEnd()
      if (this.#outputEnded) this.#close(false)
    } else {
      this.#break(this.#networkError("read", error))
    }
  }

  keep(chunk: Uint8Array): Uint8Array {
    return chunk
  }

  // A pulled chunk belongs to its reader.
  dedicate(): boolean {
    return true
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Writing
  // -------------------------------------------------------------------------------------------------------------------

  write(chunks: ReadonlyArray<Uint8Array>): boolean {
    // A Socket does not say when it has no more use for a chunk, so it gets one of its own.
    const [first, ...rest] = chunks.map((chunk) => chunk.slice())
    if (first === undefined) return true
    const writing: Fiber.Fiber<void, unknown> = this.#run<void, unknown>(
      this.#isWritable ? this.#options.writer.writeAll([first, ...rest]) : this.#brokenPipe
    )
    const exit = writing.pollUnsafe()
    if (exit !== undefined && Exit.isSuccess(exit)) return true
    this.#writing = writing
    writing.addObserver((exit) => this.#onWritten(exit))
    return false
  }

  get #isWritable(): boolean {
    return !this.#peerEnded || this.#options.halfOpen
  }

  readonly #brokenPipe = Effect.suspend(() =>
    Effect.fail(NetworkError.make("write", formatPeer(this), new NetworkError.BrokenPipe()))
  )

  #onWritten(exit: Exit.Exit<unknown, unknown>): void {
    this.#writing = undefined
    if (this.#closing) return
    if (Exit.isSuccess(exit)) return this.#receiver.onFlushed()
    // It may have failed at once, and then the writer does not know yet that it was not done at once.
    const error = this.#networkError("write", Cause.squash(exit.cause))
    this.#run(Effect.andThen(Effect.yieldNow, Effect.sync(() => this.#break(error))))
  }

  end(): void {
    this.#outputEnded = true
    this.#run(Scope.close(this.#options.writerScope, Exit.void)).addObserver(() => {
      if (this.#peerEnded) this.#close(false)
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Closing
  // -------------------------------------------------------------------------------------------------------------------

  #networkError(operation: NetworkError.Operation, error: unknown): NetworkError.NetworkError {
    const address = formatPeer(this)
    return NetworkError.isNetworkError(error)
      ? error
      : Socket.isSocketError(error)
      ? toNetworkError(operation, address, error)
      : systemError({ operation, address, error })
  }

  #break(error: NetworkError.NetworkError): void {
    if (this.#closing) return
    this.#receiver.onError(error)
    this.#close(true)
  }

  destroy(): void {
    this.#close(false)
  }

  reset(): void {
    this.#close(true)
  }

  #close(reset: boolean): void {
    if (this.#closing) return
    this.#closing = true
    this.#reading?.interruptUnsafe()
    if (reset) this.#writing?.interruptUnsafe()
    const { closeTimeout, readerScope, writer, writerScope } = this.#options
    const withinTimeout = Effect.timeoutOption(Duration.millis(closeTimeout))
    const aborted = writer.write(new Socket.CloseEvent(closeCode.aborted, "aborted"))
    const closing = Effect.ignore(reset ? withinTimeout(aborted) : Effect.void).pipe(
      Effect.andThen(Scope.close(writerScope, Exit.void)),
      Effect.andThen(Scope.close(readerScope, Exit.void))
    )
    // The caller of close may be in the middle of something, and is told later. A Socket that is slow is not waited for.
    this.#run(Effect.yieldNow.pipe(
      Effect.andThen(Effect.forkDetach(closing)),
      Effect.flatMap((fiber) => withinTimeout(Fiber.await(fiber))),
      Effect.andThen(Effect.sync(() => this.#receiver.onClose()))
    ))
  }
}
