import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetworkError from "../../NetworkError.ts"
import { CallbackEffect, type Completion, type Running } from "../callback/callbackEffect.ts"
import { Lender } from "./lender.ts"
import { refuseConsumer } from "./reading.ts"
import type { Consumer } from "./receiveQueue.ts"
import type { Writer } from "./sendQueue.ts"
import type { CloseObserver, ConnectionState } from "./state.ts"
import { endWithCallback } from "./writing.ts"

/** Moves bytes from one connection to another in the callbacks of their transports, with no fiber in between. */
class Pump implements Consumer, Writer, CloseObserver, Running {
  readonly #from: ConnectionState
  readonly #to: ConnectionState
  readonly #completion: PumpCompletion
  readonly #lender = new Lender()
  #writing = false
  #ended = false
  #over = false

  constructor(from: ConnectionState, to: ConnectionState, completion: PumpCompletion) {
    this.#from = from
    this.#to = to
    this.#completion = completion
  }

  begin(): this {
    const refusal = this.#to.refusal ?? refuseConsumer(this.#from)
    if (refusal !== undefined) this.finish(refusal)
    else {
      // A pump to itself hears of its end as the reader.
      if (this.#to !== this.#from) this.#to.observe(this)
      this.#from.input.attach(this)
    }
    return this
  }

  onClosed(): void {
    this.finish(this.#to.output.failure ?? this.#to.error("write", new NetworkError.Closed()))
  }

  onChunk(chunk: Uint8Array): boolean {
    const refusal = this.#to.refusal
    if (refusal !== undefined) {
      this.#from.input.unread(this.#from.transport.keep(chunk))
      this.finish(refusal)
      return true
    }
    const { output, transport } = this.#to
    const isCopied = !output.isWaiting && transport.copies?.(chunk.length) === true
    const bytes = isCopied ? chunk : this.#lender.extend(chunk, this.#from.transport)
    this.#writing = !output.write([bytes], this)
    if (!this.#writing && bytes !== chunk) this.#from.transport.recycle?.(bytes)
    return !this.#writing
  }

  onWritten(error: NetworkError.NetworkError | undefined): void {
    this.#writing = false
    if (this.#over) this.#from.input.release(this)
    else if (error !== undefined) this.finish(error)
    else if (this.#ended) this.finish()
    else this.#from.input.resumeConsumer(this)
  }

  onEnd(): void {
    this.#ended = true
    if (!this.#writing) this.finish()
  }

  onError(error: NetworkError.NetworkError): void {
    this.finish(error)
  }

  finish(error?: NetworkError.NetworkError): void {
    if (this.#over) return
    this.stop()
    this.#completion.onDone(error === undefined ? Exit.void : Exit.fail(error), this.#to)
  }

  stop(): void {
    if (this.#over) return
    this.#over = true
    const { input } = this.#from
    input.detach(this)
    // A lent chunk stays in use until it is written, whichever reader comes next.
    if (!this.#writing) input.release(this)
    this.#to.ignore(this)
  }
}

type Outcome = Exit.Exit<void, NetworkError.NetworkError>

/** Learns how a pump to a connection has ended. */
interface PumpCompletion {
  readonly onDone: (outcome: Outcome, to: ConnectionState) => void
}

export const pipeTo = (from: ConnectionState, to: ConnectionState): Effect.Effect<void, NetworkError.NetworkError> =>
  new CallbackEffect((completion) => new Pump(from, to, completion).begin())

type Relayed = Completion<void, NetworkError.NetworkError, never>

/** Moves bytes both ways, each with its end, until both ways have ended or one has failed. */
class Relay implements PumpCompletion, Writer, Running {
  readonly #pumps: readonly [Pump, Pump]
  readonly #completion: Relayed
  #left = 2

  constructor(a: ConnectionState, b: ConnectionState, completion: Relayed) {
    this.#pumps = [new Pump(a, b, this), new Pump(b, a, this)]
    this.#completion = completion
  }

  begin(): this {
    for (const pump of this.#pumps) if (this.#left > 0) pump.begin()
    return this
  }

  onDone(outcome: Outcome, to: ConnectionState): void {
    if (Exit.isFailure(outcome)) this.#finish(outcome)
    else if (this.#left > 0 && endWithCallback(to, this)) this.onWritten(undefined)
  }

  onWritten(error: NetworkError.NetworkError | undefined): void {
    if (error !== undefined) this.#finish(Exit.fail(error))
    else if (this.#left === 1) this.#finish(Exit.void)
    else this.#left--
  }

  #finish(outcome: Outcome): void {
    if (this.#left <= 0) return
    this.stop()
    this.#completion.onDone(outcome)
  }

  stop(): void {
    this.#left = 0
    for (const pump of this.#pumps) pump.stop()
  }
}

export const relay = (a: ConnectionState, b: ConnectionState): Effect.Effect<void, NetworkError.NetworkError> =>
  new CallbackEffect((completion) => new Relay(a, b, completion).begin())
