import * as Effect from "effect/Effect"
import * as NetworkError from "../../NetworkError.ts"
import { Lender } from "./lender.ts"
import type { Consumer } from "./receiveQueue.ts"
import type { Writer } from "./sendQueue.ts"
import type { CloseObserver, ConnectionState } from "./state.ts"
import { end } from "./writing.ts"

/** Moves bytes from one connection to another in the callbacks of their transports, with no fiber in between. */
class Pump implements Consumer, Writer, CloseObserver {
  readonly #from: ConnectionState
  readonly #to: ConnectionState
  readonly #resume: (result: Effect.Effect<void, NetworkError.NetworkError>) => void
  readonly #lender = new Lender()
  #writing = false
  #ended = false
  #over = false

  constructor(
    from: ConnectionState,
    to: ConnectionState,
    resume: (result: Effect.Effect<void, NetworkError.NetworkError>) => void
  ) {
    this.#from = from
    this.#to = to
    this.#resume = resume
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
    this.#writing = !this.#to.output.write([this.#lender.extend(chunk, this.#from.transport)], this)
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
    this.#over = true
    const { input } = this.#from
    input.detach(this)
    // A lent chunk stays in use until it is written, whichever reader comes next.
    if (!this.#writing) input.release(this)
    this.#to.ignore(this)
    this.#resume(error === undefined ? Effect.void : Effect.fail(error))
  }
}

const pump = (from: ConnectionState, to: ConnectionState): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    if (from.input.isTaken) return resume(Effect.fail(from.error("read", new NetworkError.Busy())))
    const pump = new Pump(from, to, resume)
    pump.start()
    return Effect.sync(() => pump.finish())
  })

export const pipeTo = (from: ConnectionState, to: ConnectionState): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const refusal = to.refusal ?? from.reclaim()
    return refusal === undefined ? pump(from, to) : Effect.fail(refusal)
  })

export const relay = (a: ConnectionState, b: ConnectionState): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.asVoid(Effect.all([
    Effect.andThen(pipeTo(a, b), end(b)),
    Effect.andThen(pipeTo(b, a), end(a))
  ], { concurrency: 2 }))
