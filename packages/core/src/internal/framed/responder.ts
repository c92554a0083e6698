import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { noFrame } from "../../Framing.ts"
import type { FramingError } from "../../FramingError.ts"
import * as NetworkError from "../../NetworkError.ts"
import type { Consumer } from "../connection/receiveQueue.ts"
import type { Writer } from "../connection/sendQueue.ts"
import type { FramedState } from "./state.ts"

type Outcome<E, R> = Effect.Effect<void, NetworkError.NetworkError | FramingError | E, R>

type Handle<Out, In, E, R> = (message: In) => Effect.Effect<Out, E, R>

/** The answer of a turn that is not over at once. */
export const pending: unique symbol = Symbol.for("@sluice/core/Framed/pending")

/** What is done about messages in the callbacks of a connection. */
export interface Turns<A, In, E, R> {
  readonly handle: Handle<A, In, E, R>
  /** Takes what the handler succeeded with: sends it, or says why not, or leaves it to `whenPending`. */
  readonly take: (result: A) => FramingError | typeof pending | undefined
  /** What to do about a result that is not there at once, or not to be taken. Those before it are written by it. */
  readonly whenPending: (result: Effect.Effect<A, E, R>) => Outcome<E, R>
  /** What to do when the peer has ended. */
  readonly whenEnded: Outcome<E, R>
}

/**
 * Takes the messages of a connection in its callbacks, with no fiber in between, for as long as each is handled at once.
 * Only one may run on a connection at a time.
 */
export const takeTurns = <Out, In, A, E, R>(framed: FramedState<Out, In>, turns: Turns<A, In, E, R>): Outcome<E, R> =>
  Effect.callback((resume) => {
    const replies = new Replies(framed, turns, resume)
    replies.start()
    return Effect.sync(() => replies.finish(Effect.void))
  })

/**
 * Answers messages one after the other. Replies that are ready together leave with one write: they are written when no
 * message is left, when they are many, and when a handler waits.
 *
 * As long as each reply is a success already, this runs in the callbacks of the connection, with no fiber in between. The
 * first that is not, and those that have arrived with it, are run by the fiber, which then returns to the callbacks.
 */
export const answerInTurn = <Out, In, E, R>(
  framed: FramedState<Out, In>,
  handle: Handle<Out, In, E, R>
): Outcome<E, R> => {
  const turns: Outcome<E, R> = takeTurns(framed, {
    handle,
    take: (reply) => framed.outbox.add(reply),
    whenPending: (reply) => Effect.flatMap(inFiber(framed, handle, reply), () => turns),
    whenEnded: Effect.void
  })
  return turns
}

/** Runs the handler for a message and for those that have arrived with it, and writes the replies. */
const inFiber = <Out, In, E, R>(
  { decoder, outbox }: FramedState<Out, In>,
  handle: Handle<Out, In, E, R>,
  first: Effect.Effect<Out, E, R>
): Outcome<E, R> => {
  // What a handler that waits keeps back is written meanwhile.
  const answer = (reply: Effect.Effect<Out, E, R>): Outcome<E, R> =>
    outbox.isCovered ? Effect.flatMap(reply, add) : Effect.withFiber((fiber) => {
      outbox.flushSoon(fiber.currentDispatcher)
      return Effect.flatMap(reply, add)
    })
  const add = (message: Out): Outcome<E, R> => {
    const refusal = outbox.add(message)
    return refusal === undefined ? next() : Effect.andThen(outbox.flush, Effect.fail(refusal))
  }
  const next = (): Outcome<E, R> => {
    if (outbox.isFull) return Effect.flatMap(outbox.flush, next)
    const message = decoder.next()
    return message === noFrame ? outbox.flush : answer(handle(message))
  }
  return Effect.onError(answer(first), () => Effect.ignore(outbox.flush))
}

class Replies<Out, In, A, E, R> implements Consumer, Writer {
  readonly #framed: FramedState<Out, In>
  readonly #turns: Turns<A, In, E, R>
  readonly #resume: (outcome: Outcome<E, R>) => void
  #isAttached = false
  #isWriting = false
  #isOver = false
  #isEnded = false
  // How it ends, once what is being written is written.
  #outcome: Outcome<E, R> | undefined = undefined

  constructor(
    framed: FramedState<Out, In>,
    turns: Turns<A, In, E, R>,
    resume: (outcome: Outcome<E, R>) => void
  ) {
    this.#framed = framed
    this.#turns = turns
    this.#resume = resume
  }

  /** Answers what has been received already, and then what arrives. */
  start(): void {
    const { connection } = this.#framed
    if (connection.input.isTaken) return this.finish(Effect.fail(connection.error("read", new NetworkError.Busy())))
    if (!this.#answer() || this.#isOver) return
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
    if (this.#isOver) return
    if (error !== undefined) this.finish(Effect.fail(error))
    else if (this.#outcome !== undefined) this.finish(this.#outcome)
    else if (!this.#isAttached) this.start()
    else if (this.#answer() && !this.#isOver) this.#framed.connection.input.resumeConsumer(this)
  }

  onEnd(): void {
    this.#isEnded = true
    this.#framed.decoder.finish()
    if (!this.#isWriting) this.#answer()
  }

  onError(error: NetworkError.NetworkError): void {
    this.finish(Effect.fail(error))
  }

  finish(outcome: Outcome<E, R>): void {
    if (this.#isOver) return
    this.#isOver = true
    const { input } = this.#framed.connection
    input.detach(this)
    input.release(this)
    this.#resume(outcome)
  }

  // Answers the messages that are there. Returns whether it can take more now.
  #answer(): boolean {
    while (!this.#isOver) {
      const isAll = this.#encode()
      if (this.#isPending) {
        this.finish(this.#outcome!)
        return true
      }
      if (!this.#flush()) return false
      if (this.#outcome !== undefined) this.finish(this.#outcome)
      else if (isAll) return true
    }
    return true
  }

  #isPending = false

  // Encodes the replies to the messages that are there, up to a bound. Returns whether these were all.
  #encode(): boolean {
    const { decoder, outbox } = this.#framed
    const { handle, take, whenEnded, whenPending } = this.#turns
    try {
      while (!outbox.isFull) {
        const message = decoder.next()
        if (message === noFrame) {
          if (decoder.error !== undefined) this.#outcome = Effect.fail(decoder.error)
          else if (this.#isEnded) this.#outcome = whenEnded
          return true
        }
        const reply = handle(message)
        const problem = isDone(reply) ? take(reply.value) : pending
        if (problem === undefined) continue
        this.#isPending = problem === pending
        this.#outcome = problem === pending ? whenPending(reply) : Effect.fail(problem)
        return true
      }
      return false
    } catch (defect) {
      this.#outcome = Effect.die(defect)
      return true
    }
  }

  #flush(): boolean {
    const { connection, outbox } = this.#framed
    if (outbox.isEmpty) return true
    const bytes = outbox.take().filter(isFilled)
    if (bytes.length === 0) return true
    const { refusal } = connection
    if (refusal !== undefined) {
      this.finish(Effect.fail(refusal))
      return true
    }
    this.#isWriting = !connection.output.write(bytes, this)
    return !this.#isWriting
  }
}

const isDone = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Success<A, E> =>
  Exit.isExit(effect) && Exit.isSuccess(effect)

const isFilled = (chunk: Uint8Array): boolean => chunk.length > 0
