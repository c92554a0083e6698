import * as Result from "effect/Result"
import type * as Lending from "../../Lending.ts"
import type * as NetworkError from "../../NetworkError.ts"
import { Lender } from "../connection/lender.ts"
import { refuseConsumer } from "../connection/reading.ts"
import type { Consumer } from "../connection/receiveQueue.ts"
import type { ConnectionState } from "../connection/state.ts"

/** Gives the input to a consumer of a program. Its callbacks may do anything, this included. */
class Consumption implements Consumer, Lending.Consumption {
  readonly #connection: ConnectionState
  readonly #consumer: Lending.Consumer
  // None, if the consumer owns its chunks.
  readonly #lender: Lender | undefined
  #isAttached = true
  #isDelivering = false
  // Whether the consumer was done with the chunk before it answered.
  #isResumed = false

  constructor(connection: ConnectionState, consumer: Lending.Consumer) {
    this.#connection = connection
    this.#consumer = consumer
    this.#lender = consumer.ownsChunks === true ? undefined : new Lender()
  }

  onChunk(chunk: Uint8Array): boolean {
    const { transport } = this.#connection
    const bytes = this.#lender === undefined ? transport.keep(chunk) : this.#lender.extend(chunk, transport)
    this.#isResumed = false
    this.#isDelivering = true
    const isDone = this.#consumer.onChunk(bytes)
    this.#isDelivering = false
    return isDone || this.#isResumed || !this.#isAttached
  }

  onEnd(): void {
    this.#consumer.onEnd()
  }

  onError(error: NetworkError.NetworkError): void {
    this.#isAttached = false
    this.#consumer.onError(error)
  }

  resume(): void {
    if (this.#isDelivering) this.#isResumed = true
    else this.#connection.input.resumeConsumer(this)
  }

  detach(): void {
    this.#isAttached = false
    this.#connection.input.leave(this)
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
