import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetworkError from "../../NetworkError.ts"
import { CallbackEffect, type Running } from "../callback/callbackEffect.ts"
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
  readonly #completion: { readonly onDone: (outcome: Outcome) => void }
  readonly #lender = new Lender()
  #writing = false
  #ended = false
  #over = false

  constructor(from: ConnectionState, to: ConnectionState, completion: { readonly onDone: (outcome: Outcome) => void }) {
    this.#from = from
    this.#to = to
    this.#completion = completion
  }

  start(): void {
    // A pump to itself hears of its end as the reader.
    if (this.#to !== this.#from) this.#to.observe(this)
    this.#from.input.attach(this)
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
    this.#completion.onDone(outcomeOf(error))
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

const outcomeOf = (error: NetworkError.NetworkError | undefined): Outcome =>
  error === undefined ? Exit.void : Exit.fail(error)

export const pipeTo = (from: ConnectionState, to: ConnectionState): Effect.Effect<void, NetworkError.NetworkError> =>
  new CallbackEffect((completion) => {
    const pump = new Pump(from, to, completion)
    const refusal = to.refusal ?? refuseConsumer(from)
    if (refusal === undefined) pump.start()
    else completion.onDone(Effect.fail(refusal))
    return pump
  })

/** Moves bytes both ways, each with its end, until both ways have ended or one has failed. */
export const relay = (a: ConnectionState, b: ConnectionState): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const pumps: Array<Pump> = []
    let left = 2
    const stop = (): void => {
      left = 0
      for (const each of pumps) each.stop()
    }
    const onWayDone = (outcome: Outcome): void => {
      if (left === 0 || (Exit.isSuccess(outcome) && --left > 0)) return
      stop()
      resume(outcome)
    }
    const writer: Writer = { onWritten: (error) => onWayDone(outcomeOf(error)) }
    for (const [from, to] of [[a, b], [b, a]] as const) {
      if (left === 0) return
      const refusal = to.refusal ?? refuseConsumer(from)
      if (refusal !== undefined) return onWayDone(Exit.fail(refusal))
      const pump = new Pump(from, to, {
        onDone: (outcome) => {
          if (Exit.isFailure(outcome)) onWayDone(outcome)
          else if (left > 0 && endWithCallback(to, writer)) onWayDone(outcome)
        }
      })
      pumps.push(pump)
      pump.start()
    }
    return Effect.sync(stop)
  })
