import type { Proxy } from "@sluice/proxy/ProxyProtocol"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as NetAddress from "effect/net/NetAddress"
import * as Pipeable from "effect/Pipeable"
import * as Scope from "effect/Scope"
import type * as Connection from "../../Connection.ts"
import * as NetworkError from "../../NetworkError.ts"
import type * as Tls from "../../Tls.ts"
import type * as Transport from "../../Transport.ts"
import { canonical, formatPeer } from "../address/peerAddress.ts"
import { type BufferBudget, type Holder, uncounted } from "../budget/bufferBudget.ts"
import type { Numbers } from "../naming/numbers.ts"
import { proxyOf } from "../proxy/proxiedStream.ts"
import type { ContextCache } from "../tls/contextCache.ts"
import type { ServerSettings } from "../tls/serverSettings.ts"
import { closed, closedInTime, isBadMessage } from "./closing.ts"
import * as Lifecycle from "./lifecycle.ts"
import { type Gone, ReceiveQueue } from "./receiveQueue.ts"
import { nobody, SendQueue, type Writer } from "./sendQueue.ts"
import { Activity, type Traffic } from "./traffic.ts"

export const typeId = "~@sluice/core/Connection"

/** Called once when a connection is closed. */
export interface CloseObserver {
  readonly onClosed: () => void
}

/** What a connection is given by the listener or the dial that it comes from. */
export interface Options {
  /** In milliseconds. */
  readonly closeTimeout: number
  readonly traffic: Traffic
  readonly security: ContextCache
  readonly numbers: Numbers
  /** Bounds what connections buffer. Default: nothing does. */
  readonly budget?: BufferBudget | undefined
  /** The settings for an upgrade to TLS as the server, if the listener has them. */
  readonly upgradeTls?: ServerSettings | undefined
  readonly role: Role
  /** The host that was asked for, if this side connected. */
  readonly dialled?: string | undefined
}

/** A decoder: it may have taken bytes of the input that it has not used. */
export interface ReadAhead {
  readonly buffered: number
  /** Takes out the bytes that were not used. It throws where they would make no sense to another reader. */
  readonly remainder: () => Uint8Array
}

/** Whether this side has connected, or has accepted the connection. */
export type Role = "client" | "server"

/** A connection as its platform and the functions of `Connection` see it: what happens to it meets its `Lifecycle` here. */
export class ConnectionState extends Pipeable.Class
  implements Connection.Connection, Transport.StreamReceiver, Holder, Gone
{
  readonly [typeId]: typeof typeId = typeId
  readonly id: number
  transport: Transport.StreamTransport
  readonly options: Options
  readonly activity: Activity
  readonly input: ReceiveQueue
  readonly output: SendQueue
  /** The effect that reads a chunk, once a program has read. */
  reading: ReturnType<typeof Connection.read> | undefined = undefined
  /** The decoder that reads this connection ahead, if messages are read. */
  decoder: ReadAhead | undefined = undefined
  /** Whether the program has used `peek` or `unread`. */
  isInspected = false
  readonly #budget: BufferBudget | undefined
  #phase: Lifecycle.Phase = "open"
  #failure: NetworkError.NetworkError | undefined = undefined
  // Most connections have one observer, and need no array.
  #observer: CloseObserver | undefined = undefined
  #observers: ReadonlyArray<CloseObserver> | undefined = undefined
  // Whether an interruption closes this connection in order, as a success does.
  #isRetired = false

  constructor(transport: Transport.StreamTransport, options: Options) {
    super()
    const { budget, numbers, traffic } = options
    this.id = ++numbers.connections
    this.#budget = budget
    this.transport = transport
    this.options = options
    this.activity = new Activity(traffic)
    this.input = new ReceiveQueue(transport, this.activity)
    this.output = new SendQueue(transport, this.activity)
    traffic.open++
    transport.start(this)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Facts
  // -------------------------------------------------------------------------------------------------------------------

  get localAddress(): NetAddress.SocketAddress {
    return canonical(this.transport.localAddress)
  }

  get remoteAddress(): NetAddress.SocketAddress {
    return canonical(this.transport.remoteAddress)
  }

  get proxy(): Proxy | undefined {
    return proxyOf(this.transport)
  }

  get tls(): Tls.Session | undefined {
    return this.transport.tls
  }

  /** The peer, as errors and logs name it. */
  get peer(): string {
    return formatPeer(this)
  }

  get phase(): Lifecycle.Phase {
    return this.#phase
  }

  get outcome(): Connection.Closing {
    if (this.#failure !== undefined) return { _tag: "Failed", error: this.#failure }
    return { _tag: this.#phase === "aborting" || this.#phase === "aborted" ? "Aborted" : "Ended" }
  }

  error(operation: NetworkError.Operation, reason: NetworkError.Reason): NetworkError.NetworkError {
    return NetworkError.make(operation, this.peer, reason)
  }

  /** Why an operation fails on this connection, which is gone. */
  failureOf(operation: "read" | "write"): NetworkError.NetworkError {
    return this.#failure ?? this.error(operation, new NetworkError.Closed())
  }

  /** Why nothing can be written any more, if so. */
  get refusal(): NetworkError.NetworkError | undefined {
    return this.output.failure ??
      (this.output.isEnded ? this.error("write", new NetworkError.BrokenPipe()) : undefined)
  }

  /**
   * Makes the next reader of bytes start behind the last message: puts back what a decoder has read ahead. Answers why
   * that cannot be done, if so.
   */
  reclaim(): NetworkError.NetworkError | undefined {
    const { decoder, input } = this
    if (decoder === undefined || decoder.buffered === 0) return undefined
    try {
      input.unread(decoder.remainder())
      return undefined
    } catch {
      return this.error("read", new NetworkError.Busy())
    }
  }

  /** Puts bytes in front of the unread input. Returns false if the input is closed. */
  unread(bytes: Uint8Array): boolean {
    if (!this.input.unread(bytes)) return false
    this.isInspected = true
    if (this.#budget !== undefined) this.#hold(this.#budget)
    return true
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What the transport reports
  // -------------------------------------------------------------------------------------------------------------------

  onData(chunk: Uint8Array): boolean {
    const wantsMore = this.input.onData(chunk)
    this.activity.settled()
    return this.#budget === undefined ? wantsMore : this.#hold(this.#budget) && wantsMore
  }

  // Returns whether the budget allows reading on.
  #hold(budget: BufferBudget): boolean {
    const held = this.input.available + (this.decoder === undefined ? 0 : this.decoder.buffered)
    return (held <= uncounted && !budget.counts(this)) || budget.hold(this, held)
  }

  throttle(): void {
    this.input.throttle()
  }

  restore(): void {
    this.input.restore()
  }

  exceed(budget: number): void {
    this.fail(this.error("read", new NetworkError.BufferBudgetExceeded({ budget })))
  }

  onEnd(): void {
    this.#step("peerEnded")
    this.input.onEnd()
    this.#finishIfDrained()
  }

  onFlushed(): void {
    this.output.onFlushed()
    this.#finishIfDrained()
  }

  onError(error: NetworkError.NetworkError): void {
    if (Lifecycle.isReleased(this.#phase)) return
    this.#noteFailure(error)
    this.#failBoth()
  }

  onClose(): void {
    if (Lifecycle.isReleased(this.#phase)) return
    this.#step("released")
    this.#budget?.release(this)
    if (this.activity.bypass !== undefined) this.activity.route(undefined)
    this.activity.traffic.open--
    if (this.#failure !== undefined) this.activity.traffic.failed++
    this.#failBoth()
    const observer = this.#observer
    const observers = this.#observers
    this.#observer = undefined
    this.#observers = undefined
    observer?.onClosed()
    observers?.forEach((each) => each.onClosed())
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What this side does
  // -------------------------------------------------------------------------------------------------------------------

  /** Sends FIN once everything written is sent. `true`: sent, and the writer is not called. */
  end(writer: Writer): boolean {
    this.#step("ended")
    return this.output.end(writer)
  }

  /** Breaks the connection: the peer gets a reset, and whatever waits on it here, or uses it later, gets the error. */
  fail(error: NetworkError.NetworkError): void {
    if (this.#isReset()) return
    this.#noteFailure(error)
    this.transport.reset()
    this.#failBoth()
  }

  abort(): void {
    if (this.#isReset()) return
    this.#step("aborted")
    this.transport.reset()
    this.output.fail(this)
    this.input.close(this)
    this.output.giveUp(this)
  }

  /** Lends the transport to a handshake. Until `swapTransport`, nothing is read and what is written waits. */
  lendTransport(): void {
    this.#step("lent")
    this.input.suspend()
    this.output.suspend()
  }

  /** Continues on the transport that the handshake has made. */
  swapTransport(transport: Transport.StreamTransport): void {
    this.#step("secured")
    this.transport = transport
    this.input.swapTransport(transport)
    // It may have been reset meanwhile.
    if (this.#phase === "aborting" || this.#phase === "failing") transport.reset()
    transport.start(this)
    this.output.swapTransport(transport)
  }

  /** Gives up the transport while it is lent: the handshake has failed, and reports nothing here. */
  loseTransport(error?: NetworkError.NetworkError): void {
    if (error === undefined) this.#step("aborted")
    else if (this.#phase !== "aborting") this.onError(error)
    this.transport.reset()
    this.onClose()
  }

  /** From now on an interruption closes this connection in order, as a success does. */
  retire(): void {
    this.#isRetired = true
  }

  /** Calls back once when the connection is closed. */
  observe(observer: CloseObserver): void {
    if (Lifecycle.isReleased(this.#phase)) observer.onClosed()
    else if (this.#observer === undefined && this.#observers === undefined) this.#observer = observer
    else this.#observers = this.#observers === undefined ? [observer] : [...this.#observers, observer]
  }

  ignore(observer: CloseObserver): void {
    if (this.#observer === observer) this.#observer = undefined
    else this.#observers = this.#observers?.filter((each) => each !== observer)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Closing for good
  // -------------------------------------------------------------------------------------------------------------------

  /**
   * Begins to close for good, and answers whether that needs a deadline: `closedInTime`.
   *
   * After a failure or an interruption the connection is reset: the peer must not take half an answer for a whole one.
   * After a success, and after a `FramingError`, which is about a message and leaves those before it whole:
   * 1. what was written is sent, and FIN behind it;
   * 2. what the peer still sends is discarded until it ends too, because closing with unread input makes the kernel
   *    send a reset, which can destroy what is in flight (RFC 2525, section 2.17);
   * 3. when the peer has sent nothing for a tenth of `closeTimeout`, the connection is closed without its end;
   * 4. when `closeTimeout` is over, the connection is reset.
   */
  beginClose(exit: Exit.Exit<unknown, unknown>): boolean {
    if (this.#isReset() || this.#failure !== undefined) return false
    if (Exit.isFailure(exit) && !this.#isRetired && !isBadMessage(exit.cause)) {
      this.abort()
      return false
    }
    this.#step("closed")
    if (this.transport.isSending !== true) this.#finishIfDrained()
    if (this.#phase === "finishing") return false
    this.output.end(nobody)
    this.input.close(this)
    return true
  }

  /** Closes for good, and returns when the descriptor is closed. */
  close(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => this.beginClose(exit) ? closedInTime(this) : this.closed)
  }

  /** While lingering: the peer sends nothing more that anybody would wait for. */
  fallSilent(): void {
    if (this.#step("fellSilent")) this.transport.destroy()
  }

  /** Waits until the descriptor is closed. */
  get closed(): Effect.Effect<void> {
    return closed(this)
  }

  // Answers whether the phase has changed.
  #step(event: Lifecycle.Event): boolean {
    const before = this.#phase
    this.#phase = Lifecycle.next(before, event)
    return this.#phase !== before
  }

  #noteFailure(error: NetworkError.NetworkError): void {
    this.#step("failed")
    if (this.#phase === "failing") this.#failure ??= error
  }

  #isReset(): boolean {
    return this.#phase === "aborting" || Lifecycle.isReleased(this.#phase)
  }

  #finishIfDrained(): void {
    if (!this.output.isWaiting && this.#step("drained")) this.transport.destroy()
  }

  // A woken reader runs at once, and may write: so both queues know before either of them wakes a fiber.
  #failBoth(): void {
    this.output.fail(this)
    this.input.fail(this)
    this.output.giveUp(this)
  }
}

/** The state behind a connection. Every `Connection` is made here. */
export const stateOf = (connection: Connection.Connection): ConnectionState => connection as ConnectionState

/** Makes a connection of a transport that has just been opened; it is closed with the scope. */
export const scoped = (
  transport: Transport.StreamTransport,
  options: Options,
  scope: Scope.Scope
): Effect.Effect<ConnectionState> =>
  Effect.suspend(() => {
    const connection = new ConnectionState(transport, options)
    return Effect.as(Scope.addFinalizerExit(scope, (exit) => connection.close(exit)), connection)
  })
