import { noFrame } from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetworkError from "../../NetworkError.ts"
import type { Completion, Running } from "../callback/callbackEffect.ts"
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

// What a fiber gets that is woken without a handler.
const nothing: unique symbol = Symbol()

/**
 * Handles the messages of a connection in its callbacks, without a fiber, while every handler is a success. A fiber runs a
 * handler that is not, and handles the messages received with it. It starts within the callback and runs up to the first
 * handler that waits. Then it waits for the callbacks again.
 */
export class Turns<Out, In, A, E, R> implements Consumer, Writer, Running {
  readonly #framed: FramedState<Out, In>
  readonly #options: TurnOptions<Out, In, A, E, R>
  // Continues with what is not for callbacks, until there is a fiber.
  #completion: Completion<void, Failure | E, R> | undefined = undefined
  // Wakes the fiber, if it waits for callbacks.
  #resume: ((next: Effect.Effect<A | typeof nothing, Failure | E, R>) => void) | undefined = undefined
  #isRegistering = false
  #isWithinCallback = false
  #isAttached = false
  #isWriting = false
  #isEnded = false
  // The handler for the fiber to run.
  #pending: Effect.Effect<A, E, R> | undefined = undefined
  // What follows once the replies are written.
  #outcome: Outcome<E, R> | undefined = undefined

  constructor(framed: FramedState<Out, In>, options: TurnOptions<Out, In, A, E, R>) {
    this.#framed = framed
    this.#options = options
  }

  /** Handles messages until the connection ends. Only one consumer may have the input at a time. */
  begin(completion: Completion<void, Failure | E, R>): this {
    this.#completion = completion
    this.#register()
    return this
  }

  stop(): void {
    // A handler may have ended it, with replies to the messages before its own. A fiber writes them itself.
    if (this.#completion !== undefined) this.#framed.outbox.flushNow()
    this.#leave()
  }

  #leave(): void {
    this.#completion = this.#resume = undefined
    this.#isAttached = false
    this.#framed.connection.input.leave(this)
  }

  // What the fiber does from the first handler that it runs on. A loop costs less than a chain of effects.
  #loop(): Outcome<E, R> {
    const { outbox } = this.#framed
    const stop = Effect.sync(() => this.stop())
    const waiting = Effect.callback<A | typeof nothing, Failure | E, R>((resume) => {
      this.#resume = resume
      this.#register()
      return stop
    })
    const loop = Effect.whileLoop<A | typeof nothing, Failure | E, R>({
      while: () => {
        if (this.#pending === undefined && this.#outcome === undefined) this.#encode()
        return this.#pending !== undefined || this.#outcome === undefined
      },
      body: () => this.#pending === undefined ? waiting : this.#takePending(),
      step: (result) => {
        if (result !== nothing) this.#outcome = this.#options.take(result, outbox)
      }
    })
    const ending = Effect.flatMap(loop, () => Effect.andThen(outbox.flush, this.#outcome!))
    return Effect.onError(ending, () => Effect.ignore(outbox.flush))
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

  #register(): void {
    this.#isRegistering = true
    if (!this.#isWriting) this.#start()
    this.#isRegistering = false
  }

  // Answers the messages received already, then attaches to the input.
  #start(): void {
    const { connection } = this.#framed
    if (connection.input.isTaken) return this.#finish(Effect.fail(connection.error("read", new NetworkError.Busy())))
    if (!this.#answer() || !this.#isListening()) return
    this.#isAttached = true
    connection.input.attach(this)
  }

  // Whether the callbacks handle messages: neither is it over, nor does a handler run in the fiber.
  #isListening(): boolean {
    return this.#resume !== undefined || this.#completion !== undefined
  }

  onChunk(chunk: Uint8Array): boolean {
    const { connection, decoder } = this.#framed
    decoder.feed(connection.transport.keep(chunk))
    return this.#answer()
  }

  onWritten(error: NetworkError.NetworkError | undefined): void {
    this.#isWriting = false
    if (!this.#isListening()) return
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

  // Leaves the rest to the completion or the fiber. The input is not consumed meanwhile.
  #finish(outcome: Outcome<E, R>): void {
    const completion = this.#completion
    const resume = this.#resume
    this.stop()
    this.#outcome = outcome
    completion?.onDone(outcome)
    resume?.(Effect.succeed(nothing))
  }

  // Answers the messages received. Returns whether the input may deliver more now.
  #answer(): boolean {
    while (this.#isListening()) {
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

  // While the fiber registers, it cannot run within this call: it resumes after it.
  #handOver(): void {
    const completion = this.#completion
    const resume = this.#resume
    this.#leave()
    this.#isWithinCallback = !this.#isRegistering
    completion?.onDone(this.#loop())
    resume?.(this.#takePending())
    // A handler waits, unless the fiber is back.
    if (this.#isWithinCallback && this.#resume === undefined) this.#framed.outbox.flushNow()
    this.#isWithinCallback = false
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
    const { refusal } = connection
    if (refusal !== undefined) {
      this.#finish(Effect.fail(refusal))
      return true
    }
    this.#isWriting = !connection.output.write(outbox.take(), this)
    return !this.#isWriting
  }
}

/** Adds a reply. Answers what ends the turns, if it cannot be encoded. */
export const reply = <Out>(message: Out, outbox: Outbox<Out>): Effect.Effect<never, FramingError> | undefined => {
  const refusal = outbox.add(message)
  return refusal === undefined ? undefined : Effect.fail(refusal)
}

/** What all successes have in common. Comparing it costs less than `isExit`, which looks up a property of each effect. */
const success: unknown = Object.getPrototypeOf(Exit.void)

const isDone = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Success<A, E> =>
  Object.getPrototypeOf(effect) === success
