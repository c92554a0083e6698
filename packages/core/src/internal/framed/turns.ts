import { noFrame } from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetworkError from "../../NetworkError.ts"
import { CallbackEffect, type Completion, type Running } from "../callback/callbackEffect.ts"
import type { Consumer } from "../connection/receiveQueue.ts"
import type { Writer } from "../connection/sendQueue.ts"
import type { Outbox } from "./outbox.ts"
import type { FramedState } from "./state.ts"

type Failure = NetworkError.NetworkError | FramingError

export type Outcome<E, R> = Effect.Effect<void, Failure | E, R>

/** How messages are handled in the callbacks of a connection. */
export interface TurnOptions<Out, In, A, E, R> {
  readonly handle: (message: In) => Effect.Effect<A, E, R>
  /** Takes the handler's result: adds the reply to the outbox. Returns what ends the turns, once the outbox is written. */
  readonly take: (result: A, outbox: Outbox<Out>) => Outcome<E, R> | undefined
  /** What to do when the peer has ended. */
  readonly whenEnded: Outcome<E, R>
}

/**
 * Handles the messages of a connection in its callbacks, without a fiber, while every handler is a success. A fiber runs a
 * handler that is not, and handles the messages received with it. It starts within the callback and runs up to the first
 * handler that waits. Then it waits for the callbacks again.
 */
export class Turns<Out, In, A, E, R> implements Consumer, Writer, Running {
  readonly #framed: FramedState<Out, In>
  readonly #options: TurnOptions<Out, In, A, E, R>
  // Continues with what is not for callbacks.
  #completion: Completion<void, Failure | E, R> | undefined = undefined
  #isRegistering = false
  #isWithinCallback = false
  #isAttached = false
  #isWriting = false
  #isEnded = false
  // The handler for the fiber to run.
  #pending: Effect.Effect<A, E, R> | undefined = undefined
  #loop: Outcome<E, R> | undefined = undefined
  #waiting: Outcome<E, R> | undefined = undefined
  // What the fiber does once the current write is done.
  #outcome: Outcome<E, R> | undefined = undefined

  constructor(framed: FramedState<Out, In>, options: TurnOptions<Out, In, A, E, R>) {
    this.#framed = framed
    this.#options = options
  }

  /** Handles messages until the connection ends. Only one consumer may have the input at a time. */
  begin(completion: Completion<void, Failure | E, R>): this {
    this.#completion = completion
    this.#isRegistering = true
    if (!this.#isWriting) this.#start()
    this.#isRegistering = false
    return this
  }

  stop(): void {
    this.#completion = undefined
    this.#isAttached = false
    // A handler may have ended it, with replies to the messages before its own. A fiber writes them itself.
    if (this.#loop === undefined) this.#framed.outbox.flushNow()
    this.#framed.connection.input.leave(this)
  }

  /** What a fiber waits with. Made when one first does. */
  get wait(): Outcome<E, R> {
    return this.#waiting ??= new CallbackEffect<void, Failure | E, R>((completion) => this.begin(completion)).asEffect()
  }

  // Made when a handler first needs a fiber. A loop costs less than a chain of effects.
  #running(): Outcome<E, R> {
    if (this.#loop !== undefined) return this.#loop
    const { outbox } = this.#framed
    const loop = Effect.whileLoop({
      while: () => {
        if (this.#pending === undefined && this.#outcome === undefined) this.#encode()
        return this.#pending !== undefined
      },
      body: () => this.#takePending(),
      step: (result) => {
        this.#outcome = this.#options.take(result, outbox)
      }
    })
    this.#loop = Effect.flatMap(loop, () => this.#continue())
    // Around all that the fiber does from now on.
    return Effect.onError(this.#loop, () => Effect.ignore(outbox.flush))
  }

  // Replies that are ready are written while a handler runs. The callback that the fiber runs in notices when it waits.
  #takePending(): Effect.Effect<A, E, R> {
    const { outbox } = this.#framed
    const handler = this.#pending!
    this.#pending = undefined
    if (this.#isWithinCallback || outbox.isCovered) return handler
    return Effect.withFiber((fiber) => {
      outbox.flushSoon(fiber.currentDispatcher)
      return handler
    })
  }

  // Writes the replies that are ready, and handles messages in callbacks again, unless it is over.
  #continue(): Outcome<E, R> {
    const { connection, outbox } = this.#framed
    if (this.#outcome !== undefined) return Effect.andThen(outbox.flush, this.#outcome)
    if (outbox.isEmpty) return this.wait
    const { refusal } = connection
    if (refusal !== undefined) return Effect.fail(refusal)
    this.#isWriting = !connection.output.write(outbox.take(), this)
    return this.wait
  }

  // Answers the messages received already, then attaches to the input.
  #start(): void {
    const { connection } = this.#framed
    if (connection.input.isTaken) return this.#finish(Effect.fail(connection.error("read", new NetworkError.Busy())))
    if (!this.#answer() || this.#completion === undefined) return
    this.#isAttached = true
    connection.input.attach(this)
  }

  onChunk(chunk: Uint8Array): boolean {
    const { connection, decoder } = this.#framed
    decoder.feed(connection.transport.keep(chunk))
    return this.#answer()
  }

  onWritten(error: NetworkError.NetworkError | undefined): void {
    this.#isWriting = false
    if (this.#completion === undefined) return
    if (error !== undefined) this.#finish(Effect.fail(error))
    else if (this.#outcome !== undefined) this.#finish(this.#outcome)
    else if (!this.#isAttached) this.#start()
    else if (this.#answer() && this.#isAttached) this.#framed.connection.input.resumeConsumer(this)
  }

  onEnd(): void {
    this.#isEnded = true
    this.#framed.decoder.finish()
    if (!this.#isWriting) this.#answer()
  }

  onError(error: NetworkError.NetworkError): void {
    this.#finish(Effect.fail(error))
  }

  // Leaves the rest to the completion. The input is not consumed meanwhile.
  #finish(outcome: Outcome<E, R>): void {
    const completion = this.#completion
    if (completion === undefined) return
    this.stop()
    completion.onDone(outcome)
  }

  // Answers the messages received. Returns whether the input may deliver more now.
  #answer(): boolean {
    while (this.#completion !== undefined) {
      const isAll = this.#encode()
      if (this.#pending !== undefined) {
        this.#handOver()
        return true
      }
      if (!this.#flush()) return false
      if (this.#outcome !== undefined) this.#finish(this.#outcome)
      else if (isAll) return true
    }
    return true
  }

  // While `wait` registers, the fiber cannot run within this call: it resumes after it.
  #handOver(): void {
    const isWithin = !this.#isRegistering
    this.#isWithinCallback = isWithin
    this.#finish(this.#running())
    if (!isWithin) return
    this.#isWithinCallback = false
    // A handler waits, unless the fiber is back.
    if (this.#completion === undefined) this.#framed.outbox.flushNow()
  }

  // Encodes replies to the messages received until the outbox is full, a handler needs the fiber or the turns are over.
  // Returns whether all were handled.
  #encode(): boolean {
    const { decoder, outbox } = this.#framed
    const { handle, take, whenEnded } = this.#options
    try {
      while (!outbox.isFull && this.#outcome === undefined && this.#pending === undefined) {
        const message = decoder.next()
        if (message === noFrame) {
          if (decoder.error !== undefined) this.#outcome = Effect.fail(decoder.error)
          else if (this.#isEnded) this.#outcome = whenEnded
          return true
        }
        const result = handle(message)
        if (isDone(result)) this.#outcome = take(result.value, outbox)
        else this.#pending = result
      }
    } catch (defect) {
      this.#outcome = Effect.die(defect)
    }
    return false
  }

  #flush(): boolean {
    const { connection, outbox } = this.#framed
    if (outbox.isEmpty) return true
    const bytes = outbox.take()
    if (bytes.length === 0) return true
    const { refusal } = connection
    if (refusal !== undefined) {
      this.#finish(Effect.fail(refusal))
      return true
    }
    this.#isWriting = !connection.output.write(bytes, this)
    return !this.#isWriting
  }
}

/** What all successes have in common. Comparing it costs less than `isExit`, which looks up a property of each effect. */
const success: unknown = Object.getPrototypeOf(Exit.void)

const isDone = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Success<A, E> =>
  Object.getPrototypeOf(effect) === success
