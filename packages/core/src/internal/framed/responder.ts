import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Decoder, type Encoder, noFrame } from "../../Framing.ts"
import type { FramingError } from "../../FramingError.ts"
import * as NetworkError from "../../NetworkError.ts"
import type { Consumer } from "../connection/receiveQueue.ts"
import type { Writer } from "../connection/sendQueue.ts"
import type { ConnectionState } from "../connection/state.ts"

// Answers are gathered up to this many bytes before they are sent.
const largestFlush = 64 * 1024

type Outcome<E, R> = Effect.Effect<void, NetworkError.NetworkError | FramingError | E, R>

interface Options<Out, In, E, R> {
  readonly connection: ConnectionState
  readonly decoder: Decoder<In>
  readonly encoder: Encoder<Out>
  readonly handle: (message: In) => Effect.Effect<Out, E, R>
  /** What to do about an answer that is not there at once; those before it have been sent. */
  readonly whenPending: (reply: Effect.Effect<Out, E, R>) => Outcome<E, R>
}

/**
 * Answers messages in the callbacks of their connection, with no fiber in between, for as long as each answer is there at
 * once: when its Effect is a success already. One that takes its time does not keep those before it waiting.
 */
class Answers<Out, In, E, R> implements Consumer, Writer {
  readonly #options: Options<Out, In, E, R>
  readonly #resume: (outcome: Outcome<E, R>) => void
  #attached = false
  #writing = false
  #over = false
  #ended = false
  // How it ends, once what is being written is written.
  #outcome: Outcome<E, R> | undefined = undefined

  constructor(options: Options<Out, In, E, R>, resume: (outcome: Outcome<E, R>) => void) {
    this.#options = options
    this.#resume = resume
  }

  /** Answers what has been received already, and goes on with what comes. */
  start(): void {
    const { connection } = this.#options
    if (connection.input.isTaken) return this.finish(Effect.fail(connection.error("read", new NetworkError.Busy())))
    if (!this.#answer() || this.#over) return
    this.#attached = true
    connection.input.attach(this)
  }

  onChunk(chunk: Uint8Array): boolean {
    const { connection, decoder } = this.#options
    decoder.feed(connection.transport.keep(chunk))
    return this.#answer()
  }

  onWritten(error: NetworkError.NetworkError | undefined): void {
    this.#writing = false
    if (this.#over) return
    if (error !== undefined) this.finish(Effect.fail(error))
    else if (this.#outcome !== undefined) this.finish(this.#outcome)
    else if (!this.#attached) this.start()
    else if (this.#answer() && !this.#over) this.#options.connection.input.resumeConsumer(this)
  }

  onEnd(): void {
    this.#ended = true
    this.#options.decoder.finish()
    if (!this.#writing) this.#answer()
  }

  onError(error: NetworkError.NetworkError): void {
    this.finish(Effect.fail(error))
  }

  finish(outcome: Outcome<E, R>): void {
    if (this.#over) return
    this.#over = true
    const { input } = this.#options.connection
    input.detach(this)
    input.release(this)
    this.#resume(outcome)
  }

  // Answers the messages that are there; whether it can take more now.
  #answer(): boolean {
    while (!this.#over) {
      const isAll = this.#encode()
      if (!this.#flush()) return false
      if (this.#outcome !== undefined) this.finish(this.#outcome)
      else if (isAll) return true
    }
    return true
  }

  // Encodes the answers to the messages that are there, up to a bound; whether these were all.
  #encode(): boolean {
    const { decoder, encoder, handle, whenPending } = this.#options
    const begun = encoder.offset
    while (encoder.offset - begun < largestFlush) {
      const message = decoder.next()
      if (message === noFrame) {
        if (decoder.error !== undefined) this.#outcome = Effect.fail(decoder.error)
        else if (this.#ended) this.#outcome = Effect.void
        return true
      }
      const reply = attempt(() => handle(message))
      if (!isDone(reply)) {
        this.#outcome = whenPending(reply)
        return true
      }
      const refusal = encoder.encode(reply.value)
      if (refusal !== undefined) {
        this.#outcome = Effect.fail(refusal)
        return true
      }
    }
    return false
  }

  #flush(): boolean {
    const { connection, encoder } = this.#options
    const bytes = encoder.drain().filter(isFilled)
    if (bytes.length === 0) return true
    const { refusal } = connection
    if (refusal !== undefined) {
      this.finish(Effect.fail(refusal))
      return true
    }
    this.#writing = !connection.output.write(bytes, this)
    return !this.#writing
  }
}

const isDone = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Success<A, E> =>
  Exit.isExit(effect) && Exit.isSuccess(effect)

const isFilled = (chunk: Uint8Array): boolean => chunk.length > 0

const attempt = <A, E, R>(make: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  try {
    return make()
  } catch (defect) {
    return Effect.die(defect)
  }
}

export const answers = <Out, In, E, R>(options: Options<Out, In, E, R>): Outcome<E, R> =>
  Effect.callback((resume) => {
    const answers = new Answers(options, resume)
    answers.start()
    return Effect.sync(() => answers.finish(Effect.void))
  })
