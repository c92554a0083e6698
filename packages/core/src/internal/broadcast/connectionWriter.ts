import * as Effect from "effect/Effect"
import type * as NetworkError from "../../NetworkError.ts"
import type { Writer } from "../connection/sendQueue.ts"
import type { CloseObserver, ConnectionState } from "../connection/state.ts"
import type { Overflowed } from "./errors.ts"
import { type Batch, joined } from "./publishedBatch.ts"
import type { Receiver, SubscriptionState } from "./subscription.ts"

type Outcome = Effect.Effect<void, NetworkError.NetworkError | Overflowed>

/** Writes what a subscription receives to a connection: all that has gathered, whenever the last write is through. */
class Delivery implements Receiver<Uint8Array>, Writer, CloseObserver {
  readonly #subscription: SubscriptionState<Uint8Array>
  readonly #connection: ConnectionState
  readonly #resume: (outcome: Outcome) => void
  #writing = false
  #over = false

  constructor(
    subscription: SubscriptionState<Uint8Array>,
    connection: ConnectionState,
    resume: (outcome: Outcome) => void
  ) {
    this.#subscription = subscription
    this.#connection = connection
    this.#resume = resume
  }

  start(): void {
    this.#subscription.attach(this)
    this.#connection.observe(this)
    this.onReady()
  }

  onReady(): void {
    if (this.#over) return
    const { ended, failure } = this.#subscription
    if (failure !== undefined) return this.finish(Effect.fail(failure))
    this.#flush()
    if (ended && !this.#writing && this.#subscription.size === 0) this.finish(Effect.void)
  }

  // Where writing fails, it ends later: now, a fiber that it wakes could publish amid what is being published.
  onFull(): void {
    if (!this.#over && this.#connection.refusal === undefined) this.#flush()
  }

  onBatch(batch: Batch<Uint8Array>): boolean {
    if (this.#over || this.#writing || this.#connection.refusal !== undefined) return false
    this.#write(batch.chunks)
    return true
  }

  onWritten(error: NetworkError.NetworkError | undefined): void {
    this.#writing = false
    if (this.#over) return
    if (error !== undefined) this.finish(Effect.fail(error))
    else this.onReady()
  }

  onClosed(): void {
    this.finish(Effect.fail(this.#connection.failureOf("write")))
  }

  finish(outcome: Outcome): void {
    if (this.#over) return
    this.#over = true
    this.#subscription.detach(this)
    this.#connection.ignore(this)
    this.#connection.output.withdraw(this)
    this.#resume(outcome)
  }

  #flush(): void {
    if (this.#subscription.size === 0 || this.#writing) return
    const { refusal } = this.#connection
    if (refusal !== undefined) return this.finish(Effect.fail(refusal))
    this.#write(joined(this.#subscription.takeAll()))
  }

  #write(chunks: ReadonlyArray<Uint8Array>): void {
    if (chunks.length > 0) this.#writing = !this.#connection.output.write(chunks, this)
  }
}

export const deliver = (subscription: SubscriptionState<Uint8Array>, connection: ConnectionState): Outcome =>
  Effect.callback((resume) => {
    const delivery = new Delivery(subscription, connection, resume)
    delivery.start()
    return Effect.sync(() => delivery.finish(Effect.void))
  })
