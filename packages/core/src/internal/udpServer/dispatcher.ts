import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type * as NetworkError from "../../NetworkError.ts"
import type * as UdpServer from "../../UdpServer.ts"
import { Chain, type Link } from "../collection/chain.ts"
import type { DatagramState, Receiver, UdpSocketState } from "../udp/udpSocket.ts"
import type { Admission } from "./admission.ts"

interface Options<E, R> {
  readonly socket: UdpSocketState
  readonly admission: Admission
  readonly concurrency: number
  /** The services of the handlers, without their Scopes. */
  readonly context: Context.Context<R>
  readonly handler: UdpServer.Handler<E, R>
  readonly onFailed: (datagram: DatagramState, cause: Cause.Cause<unknown>) => void
  readonly onReceiveFailed: (error: NetworkError.NetworkError) => void
}

interface Handling extends Link<Handling> {
  readonly fiber: Fiber.Fiber<unknown, unknown>
}

/**
 * Runs a handler for each datagram, in a fiber and a Scope of its own, and a limited number at once. The other datagrams
 * wait in the queue of the socket. A handler starts within the callback of the socket.
 */
export class Dispatcher<E, R> {
  readonly #options: Options<E, R>
  readonly #context: Context.Context<R>
  readonly #fibers = new Chain<Handling>()
  /** How many handlers run, or close their Scope. */
  handling = 0
  #isStopped = false
  // Whether the receiver waits for the next datagram.
  #isReceiving = false
  #isFilling = false
  #onIdle: (() => void) | undefined = undefined

  constructor(options: Options<E, R>) {
    this.#options = options
    // A flat copy: contexts are chains, and every handler would walk this one.
    this.#context = Context.makeUnsafe(new Map(options.context.mapUnsafe))
  }

  /** Handles the datagrams that wait, up to the limit, and those that arrive. */
  start(): void {
    // A handler that ends synchronously calls this again, within the loop.
    if (this.#isFilling) return
    this.#isFilling = true
    while (!this.#isReceiving && !this.#isStopped && this.handling < this.#options.concurrency) {
      this.#isReceiving = true
      this.#options.socket.take(this.#receiver)
    }
    this.#isFilling = false
  }

  readonly #receiver: Receiver = (datagram, error) => {
    this.#isReceiving = false
    if (datagram === undefined) {
      // Other errors, such as an ICMP error on a connected socket, are temporary.
      if (error!.reason._tag === "Closed") this.#isStopped = true
      else this.#options.onReceiveFailed(error!)
    } else if (this.#options.admission.admits(datagram)) this.#handle(datagram)
    this.start()
  }

  #handle(datagram: DatagramState): void {
    this.handling++
    const scope = Scope.makeUnsafe()
    const fiber = Effect.runForkWith(Context.add(this.#context, Scope.Scope, scope))(
      Effect.suspend(() => this.#options.handler(datagram, this.#options.socket))
    )
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.#close(datagram, scope, exit)
    const handling = this.#fibers.add({ fiber, previous: undefined, next: undefined })
    fiber.addObserver((exit) => {
      this.#fibers.remove(handling)
      this.#close(datagram, scope, exit)
    })
  }

  #close(datagram: DatagramState, scope: Scope.Closeable, exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isFailure(exit)) this.#options.onFailed(datagram, exit.cause)
    const finalizers = Scope.closeUnsafe(scope, exit)
    if (finalizers === undefined) return this.#end()
    Effect.runForkWith(this.#context)(finalizers).addObserver((finalized) => {
      if (Exit.isFailure(finalized)) this.#options.onFailed(datagram, finalized.cause)
      this.#end()
    })
  }

  #end(): void {
    this.handling--
    if (this.handling === 0) this.#onIdle?.()
    this.start()
  }

  /** Takes no more datagrams. */
  stop(): void {
    this.#isStopped = true
    this.#options.socket.forget(this.#receiver)
  }

  /** Waits until no handler runs. */
  readonly idle: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.handling === 0) return resume(Effect.void)
    this.#onIdle = () => resume(Effect.void)
  })

  /** Interrupts all handlers, and waits for them. */
  readonly interrupt: Effect.Effect<void> = Effect.suspend(() => {
    for (const { fiber } of this.#fibers.all) fiber.interruptUnsafe()
    return this.idle
  })
}
