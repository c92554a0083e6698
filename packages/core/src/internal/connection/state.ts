import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as NetAddress from "effect/net/NetAddress"
import * as Pipeable from "effect/Pipeable"
import * as Scope from "effect/Scope"
import type * as Connection from "../../Connection.ts"
import * as NetworkError from "../../NetworkError.ts"
import type * as Tls from "../../Tls.ts"
import type * as Transport from "../../Transport.ts"
import type { Proxy } from "../proxy/header.ts"
import type { Security } from "../tls/contextCache.ts"
import { canonical, formatPeer } from "./peerAddress.ts"
import { type Gone, Input } from "./receiveQueue.ts"
import { Output, type Writer } from "./sendQueue.ts"
import { Activity, type Traffic } from "./traffic.ts"

export const typeId = "~@sluice/core/Connection"

let lastId = 0

/** Hears once that a connection is closed. */
export interface CloseObserver {
  readonly onClosed: () => void
}

/** What a connection has from where it comes from. */
export interface Options {
  readonly closeTimeout: number
  readonly traffic: Traffic
  readonly security: Security
  readonly role: Role
  readonly dialled?: string | undefined
}

/** Whether this side has connected, or has accepted the connection. */
export type Role = "client" | "server"

const nobody: Writer = { onWritten: () => {} }

/** A connection as its platform and the functions of `Connection` see it: the one place where its life is decided. */
export class ConnectionState extends Pipeable.Class implements Connection.Connection, Transport.StreamReceiver, Gone {
  readonly [typeId]: typeof typeId = typeId
  readonly id = ++lastId
  transport: Transport.StreamTransport
  readonly security: Security
  readonly role: Role
  /** The host that was asked for, if this side connected. */
  readonly dialled: string | undefined
  readonly activity: Activity
  readonly input: Input
  readonly output: Output
  readonly closeTimeout: number
  /** What has taken bytes of the input and may still have some of them, if messages are read. */
  decoder: { readonly buffered: number } | undefined = undefined
  #failure: NetworkError.NetworkError | undefined = undefined
  #aborted = false
  #finished = false
  #retired = false
  #peerEnded = false
  #lingering = false
  #closed = false
  #observers: Array<CloseObserver> = []

  constructor(transport: Transport.StreamTransport, options: Options) {
    super()
    const { closeTimeout, dialled, role, security, traffic } = options
    this.transport = transport
    this.security = security
    this.role = role
    this.dialled = dialled
    this.activity = new Activity(traffic)
    this.input = new Input(transport, this.activity)
    this.output = new Output(transport, this.activity)
    this.closeTimeout = closeTimeout
    traffic.open++
    transport.start(this)
  }

  get localAddress(): NetAddress.SocketAddress {
    return canonical(this.transport.localAddress)
  }

  get remoteAddress(): NetAddress.SocketAddress {
    return canonical(this.transport.remoteAddress)
  }

  get proxy(): Proxy | undefined {
    return this.transport.proxy
  }

  get tls(): Tls.Session | undefined {
    return this.transport.tls
  }

  /** The peer, as errors and logs name it. */
  get peer(): string {
    return formatPeer(this)
  }

  error(operation: NetworkError.Operation, reason: NetworkError.Reason): NetworkError.NetworkError {
    return NetworkError.make(operation, this.peer, reason)
  }

  onData(chunk: Uint8Array): boolean {
    return this.input.onData(chunk)
  }

  onEnd(): void {
    this.#peerEnded = true
    this.input.onEnd()
    if (this.#lingering && !this.output.isWaiting) this.#finish()
  }

  onFlushed(): void {
    this.output.onFlushed()
    if (this.#lingering && this.#peerEnded && !this.output.isWaiting) this.#finish()
  }

  onError(error: NetworkError.NetworkError): void {
    if (this.#closed) return
    this.#failure ??= error
    this.#failBoth()
  }

  onClose(): void {
    if (this.#closed) return
    this.#closed = true
    this.activity.traffic.open--
    if (this.#failure !== undefined) this.activity.traffic.failed++
    this.#failBoth()
    const observers = this.#observers
    this.#observers = []
    for (const observer of observers) observer.onClosed()
  }

  // Whoever is woken goes on at once, and may use the other direction: so both must know before anybody is.
  #failBoth(): void {
    this.output.refuse(this)
    this.input.fail(this)
    this.output.giveUp(this)
  }

  // Made when somebody asks: most connections end with nobody waiting, and an Error records its stack.
  failureOf(operation: "read" | "write"): NetworkError.NetworkError {
    return this.#failure ?? this.error(operation, new NetworkError.Closed())
  }

  /** Why nothing can be written any more, if so. */
  get refusal(): NetworkError.NetworkError | undefined {
    return this.output.failure ?? (this.output.ended ? this.error("write", new NetworkError.BrokenPipe()) : undefined)
  }

  /** Breaks the connection: the peer gets a reset, and whatever waits on it here, or uses it later, gets the error. */
  fail(error: NetworkError.NetworkError): void {
    if (this.#closed || this.#aborted) return
    this.#failure ??= error
    this.transport.reset()
    this.#failBoth()
  }

  abort(): void {
    if (this.#closed || this.#aborted) return
    this.#aborted = !this.#finished
    this.transport.reset()
    this.output.refuse(this)
    this.input.close(this)
    this.output.giveUp(this)
  }

  /** Until `goOn`, nothing is read and nothing is written: the transport is another's. */
  hold(): void {
    this.input.hold()
    this.output.hold()
  }

  /** Goes on with another transport. */
  goOn(transport: Transport.StreamTransport): void {
    this.transport = transport
    this.input.use(transport)
    this.output.use(transport)
    // It may have been closed meanwhile.
    if (this.#aborted || this.#failure !== undefined) transport.reset()
    transport.start(this)
    this.output.release()
  }

  /** Gives up the transport while it was another's, who reports nothing to this. */
  lose(error?: NetworkError.NetworkError): void {
    if (error === undefined) this.#aborted = true
    else if (!this.#aborted) this.onError(error)
    this.transport.reset()
    this.onClose()
  }

  // All is sent: nothing that comes now makes an end in order anything else.
  #finish(): void {
    this.#finished = true
    this.transport.destroy()
  }

  /** From now on an interruption ends this connection in order, as a success would. */
  retire(): void {
    this.#retired = true
  }

  get outcome(): Connection.Closing {
    if (this.#failure !== undefined) return { _tag: "Failed", error: this.#failure }
    return { _tag: this.#aborted ? "Aborted" : "Ended" }
  }

  get closed(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const observer = { onClosed: () => resume(Effect.void) }
      this.observe(observer)
      return Effect.sync(() => this.ignore(observer))
    })
  }

  /** Calls back once when the connection is closed. */
  observe(observer: CloseObserver): void {
    if (this.#closed) observer.onClosed()
    else this.#observers.push(observer)
  }

  ignore(observer: CloseObserver): void {
    const index = this.#observers.indexOf(observer)
    if (index !== -1) this.#observers.splice(index, 1)
  }

  /**
   * Begins to close for good, and says whether it takes a deadline to see it through.
   *
   * After a failure or an interruption, with a reset: the peer must not take half an answer for a whole one. After a
   * success:
   * 1. what was written is sent, and FIN behind it;
   * 2. what the peer still sends is thrown away until it ends too, because closing with unread input makes the kernel
   *    send a reset, which can destroy what is in flight (RFC 2525, section 2.17);
   * 3. when the peer has been silent for a tenth of `closeTimeout`, it is closed without waiting for that;
   * 4. when `closeTimeout` is over, a reset ends it anyhow.
   */
  beginClose(exit: Exit.Exit<unknown, unknown>): boolean {
    if (this.#closed || this.#aborted || this.#failure !== undefined) return false
    if (Exit.isFailure(exit) && !this.#retired) {
      this.abort()
      return false
    }
    if (this.#peerEnded && !this.output.isWaiting && this.transport.isSending !== true) {
      this.#finish()
      return false
    }
    this.#lingering = true
    this.output.end(nobody)
    this.input.close(this)
    return true
  }

  /** Closes for good, and returns when the descriptor is closed. */
  close(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => this.beginClose(exit) ? this.closedInTime : this.closed)
  }

  get closedInTime(): Effect.Effect<void> {
    return Effect.raceFirst(this.closed, Effect.andThen(this.#silence(), this.closed)).pipe(
      Effect.interruptible,
      Effect.timeoutOrElse({
        duration: Duration.millis(this.closeTimeout),
        orElse: () =>
          Effect.suspend(() => {
            this.abort()
            return this.closed
          })
      })
    )
  }

  // Waits until all is sent and the peer has sent nothing for a while, and closes without waiting for its end.
  #silence(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const before = this.activity.bytesIn
      return Effect.flatMap(Effect.sleep(Duration.millis(this.closeTimeout / 10)), () => {
        if (this.activity.bytesIn !== before || this.output.isWaiting) return this.#silence()
        this.#finish()
        return Effect.void
      })
    })
  }
}

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
