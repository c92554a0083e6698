import { type Decoder, noFrame } from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as NetworkError from "../../NetworkError.ts"
import type { Reader } from "../connection/receiveQueue.ts"
import type { ConnectionState } from "../connection/state.ts"

export type Outcome<In, E = never> = Effect.Effect<Option.Option<In>, NetworkError.NetworkError | FramingError | E>

/** A place in the queue of those that wait for a message. */
export interface Place<In, E = never> {
  outcome: Outcome<In, E> | undefined
  resume: ((outcome: Outcome<In, E>) => void) | undefined
  /** What becomes of it when the messages before it can no longer be counted. */
  readonly whenOutOfStep: Outcome<In, E> | undefined
}

/** The fibers that wait for a message, in order. Each gets the next one, however many arrive together. */
export class Receivers<In> {
  readonly #connection: ConnectionState
  readonly #decoder: Decoder<In>
  #queue: Array<Place<In, unknown>> = []
  #isReading = false
  #isServing = false
  #isEnded = false

  constructor(connection: ConnectionState, decoder: Decoder<In>) {
    this.#connection = connection
    this.#decoder = decoder
  }

  readonly receive: Outcome<In> = Effect.suspend(() =>
    (this.#queue.length > 0 ? undefined : this.#next()) ?? this.wait(this.join())
  )

  /** Takes the last place in the queue. */
  join<E = never>(whenOutOfStep?: Outcome<In, E>): Place<In, E> {
    const place: Place<In, E> = { outcome: undefined, resume: undefined, whenOutOfStep }
    this.#queue.push(place as Place<In, unknown>)
    return place
  }

  /** Waits for the message of a place. A place that is left takes no message. */
  wait<E>(place: Place<In, E>): Outcome<In, E> {
    return Effect.callback((resume) => {
      if (place.outcome !== undefined) return resume(place.outcome)
      place.resume = resume
      this.#serve()
      return Effect.sync(() => this.leave(place))
    })
  }

  leave<E>(place: Place<In, E>): void {
    this.#queue = this.#queue.filter((each) => each !== place)
    if (this.#queue.length === 0 && this.#isReading) {
      this.#isReading = false
      this.#connection.input.forget(this.#reader)
    }
  }

  /** Fails the places that count on the messages of those before them. */
  loseStep(): void {
    const lost = this.#queue.filter((place) => place.whenOutOfStep !== undefined)
    for (const place of lost) this.leave(place)
    for (const place of lost) this.#settle(place, place.whenOutOfStep!)
  }

  /** The next message, its absence or its error, if that is known. */
  #next(): Outcome<In> | undefined {
    const frame = this.#decoder.next()
    if (frame !== noFrame) return Effect.succeed(Option.some(frame))
    if (this.#decoder.error !== undefined) return Effect.fail(this.#decoder.error)
    return this.#isEnded ? Effect.succeedNone : undefined
  }

  #serve(): void {
    if (this.#isServing) return
    this.#isServing = true
    try {
      while (this.#queue.length > 0) {
        const outcome = this.#next()
        if (outcome !== undefined) this.#settle(this.#queue.shift()!, outcome)
        else if (this.#isReading) break
        else {
          this.#isReading = true
          this.#connection.input.take(this.#reader)
        }
      }
    } catch (defect) {
      for (const place of this.#queue.splice(0)) this.#settle(place, Effect.die(defect))
    } finally {
      this.#isServing = false
    }
  }

  #settle(place: Place<In, unknown>, outcome: Outcome<In, unknown>): void {
    place.outcome = outcome
    place.resume?.(outcome)
  }

  // What arrives is in the decoder before anybody waits for it to be: an interrupted receiver loses nothing.
  readonly #reader: Reader = (chunk, error) => {
    this.#isReading = false
    if (chunk !== undefined) this.#decoder.feed(chunk)
    else if (error === undefined) {
      this.#isEnded = true
      this.#decoder.finish()
    } else {
      for (const place of this.#queue.splice(0)) this.#settle(place, Effect.fail(error))
    }
    this.#serve()
  }
}
