import * as Result from "effect/Result"
import type * as Lending from "../../Lending.ts"
import type * as NetworkError from "../../NetworkError.ts"
import { Lender } from "../connection/lender.ts"
import type { Consumer } from "../connection/receiveQueue.ts"
import type { ConnectionState } from "../connection/state.ts"
import { refuseConsumer } from "./lentPull.ts"

/** Gives the input to a consumer of a program. Its callbacks may do anything, this included. */
class Consumption implements Consumer, Lending.Consumption {
  readonly #connection: ConnectionState
  readonly #consumer: Lending.Consumer
  // None, if the consumer owns its chunks.
  readonly #lender: Lender | undefined
  #isAttached = true
  // "resumed": the consumer was done with the chunk before it answered.
  #delivery: "waiting" | "delivering" | "resumed" = "waiting"

  constructor(connection: ConnectionState, consumer: Lending.Consumer) {
    this.#connection = connection
    this.#consumer = consumer
    this.#lender = consumer.ownsChunks === true ? undefined : new Lender()
  }

  onChunk(chunk: Uint8Array): boolean {
    const { transport } = this.#connection
    const bytes = this.#lender === undefined ? transport.keep(chunk) : this.#lender.extend(chunk, transport)
    this.#delivery = "delivering"
    const isDone = this.#consumer.onChunk(bytes)
    const wasResumed = this.#hasResumed()
    this.#delivery = "waiting"
    return isDone || wasResumed || !this.#isAttached
  }

  #hasResumed(): boolean {
    return this.#delivery === "resumed"
  }

  onEnd(): void {
    this.#consumer.onEnd()
  }

  onError(error: NetworkError.NetworkError): void {
    this.#isAttached = false
    this.#consumer.onError(error)
  }

  resume(): void {
    if (this.#delivery === "waiting") this.#connection.input.resumeConsumer(this)
    else this.#delivery = "resumed"
  }

  detach(): void {
    this.#isAttached = false
    const { input } = this.#connection
    input.detach(this)
    input.release(this)
  }
}

export const consume = (
  connection: ConnectionState,
  consumer: Lending.Consumer
): Result.Result<Lending.Consumption, NetworkError.NetworkError> => {
  const refusal = refuseConsumer(connection)
  if (refusal !== undefined) return Result.fail(refusal)
  const consumption = new Consumption(connection, consumer)
  connection.input.attach(consumption)
  return Result.succeed(consumption)
}
