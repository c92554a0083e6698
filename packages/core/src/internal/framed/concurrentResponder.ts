import { noFrame } from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import * as NetworkError from "../../NetworkError.ts"
import type { Consumer } from "../connection/receiveQueue.ts"
import type { Writer } from "../connection/sendQueue.ts"
import type { FramedState } from "./state.ts"

type Outcome<E> = Effect.Effect<void, NetworkError.NetworkError | FramingError | E>

/** A message that has been handed to the handler, and its reply when that is there. */
interface Slot<Out, E> {
  exit: Exit.Exit<Out, E> | undefined
  fiber: Fiber.Fiber<Out, E> | undefined
}

/**
 * Answers up to `concurrency` messages at a time, each by a fiber unless its reply is there at once. Replies keep the order
 * of the messages, and those that are ready together leave with one write.
 */
export const answerConcurrently = <Out, In, E, R>(
  framed: FramedState<Out, In>,
  handle: (message: In) => Effect.Effect<Out, E, R>,
  concurrency: number
): Effect.Effect<void, NetworkError.NetworkError | FramingError | E, R> =>
  Effect.withFiber((fiber) => {
    const context = fiber.context as Context.Context<R>
    const { currentDispatcher } = fiber
    return Effect.callback((resume) => {
      const replies = new ConcurrentReplies(framed, concurrency, currentDispatcher, resume, (message: In) => {
        const reply = handle(message)
        return Exit.isExit(reply) ? reply as Exit.Exit<Out, E> : Effect.runForkWith(context)(reply)
      })
      replies.start()
      return Effect.suspend(() => replies.stop())
    })
  })

class ConcurrentReplies<Out, In, E> implements Consumer, Writer {
  readonly #framed: FramedState<Out, In>
  readonly #concurrency: number
  readonly #dispatcher: Scheduler.SchedulerDispatcher
  readonly #resume: (outcome: Outcome<E>) => void
  readonly #run: (message: In) => Exit.Exit<Out, E> | Fiber.Fiber<Out, E>
  readonly #slots: Array<Slot<Out, E>> = []
  #isAttached = false
  #isWorking = false
  #isWriting = false
  #isScheduled = false
  #isPaused = false
  #isEnded = false
  #isOver = false
  // How it ends, once the replies before that are written.
  #outcome: Outcome<E> | undefined = undefined

  constructor(
    framed: FramedState<Out, In>,
    concurrency: number,
    dispatcher: Scheduler.SchedulerDispatcher,
    resume: (outcome: Outcome<E>) => void,
    run: (message: In) => Exit.Exit<Out, E> | Fiber.Fiber<Out, E>
  ) {
    this.#framed = framed
    this.#concurrency = concurrency
    this.#dispatcher = dispatcher
    this.#resume = resume
    this.#run = run
  }

  start(): void {
    const { connection } = this.#framed
    if (connection.input.isTaken) return this.finish(Effect.fail(connection.error("read", new NetworkError.Busy())))
    this.#isPaused = !this.#work()
    if (this.#isOver) return
    this.#isAttached = true
    if (!this.#isPaused) connection.input.attach(this)
  }

  onChunk(chunk: Uint8Array): boolean {
    const { connection, decoder } = this.#framed
    decoder.feed(connection.transport.keep(chunk))
    return !(this.#isPaused = !this.#work())
  }

  onEnd(): void {
    this.#isEnded = true
    this.#framed.decoder.finish()
    this.#work()
  }

  onError(error: NetworkError.NetworkError): void {
    this.finish(Effect.fail(error))
  }

  onWritten(error: NetworkError.NetworkError | undefined): void {
    this.#isWriting = false
    if (error !== undefined) this.finish(Effect.fail(error))
    else this.#goOn()
  }

  finish(outcome: Outcome<E>): void {
    if (!this.#isOver) this.#resume(Effect.andThen(this.stop(), outcome))
  }

  /** Takes no more input, and interrupts what still runs. */
  stop(): Effect.Effect<void> {
    this.#isOver = true
    const { input, output } = this.#framed.connection
    input.leave(this)
    output.withdraw(this)
    return this.#interruptAll()
  }

  #interruptAll(): Effect.Effect<void> {
    return Fiber.interruptAll(this.#slots.splice(0).flatMap(({ fiber }) => fiber === undefined ? [] : [fiber]))
  }

  // Works on, and takes more of the input where it has stopped taking it.
  readonly #goOn = (): void => {
    this.#isScheduled = false
    if (!this.#work() || !this.#isPaused || this.#isOver) return
    this.#isPaused = false
    const { input } = this.#framed.connection
    if (!this.#isAttached) return
    if (input.isTaken) input.resumeConsumer(this)
    else if (!this.#isEnded) input.attach(this)
  }

  // Hands over messages, and writes the replies that are there. Returns whether it can take more now.
  #work(): boolean {
    if (this.#isWorking) return false
    this.#isWorking = true
    try {
      while (!this.#isOver) {
        const isAll = this.#handOver()
        this.#encode()
        if (!this.#flush()) return false
        if (this.#outcome !== undefined && this.#slots.length === 0) this.finish(this.#outcome)
        // Replies that are left did not fit into the output, which has room again.
        else if (isAll && this.#slots[0]?.exit === undefined) {
          return this.#outcome === undefined && this.#slots.length < this.#concurrency
        }
      }
      return false
    } finally {
      this.#isWorking = false
    }
  }

  // Returns whether no more can be handed over now.
  #handOver(): boolean {
    const { decoder, outbox } = this.#framed
    while (this.#outcome === undefined && !outbox.isFull) {
      if (this.#slots.length >= this.#concurrency) {
        this.#encode()
        if (this.#slots.length >= this.#concurrency || this.#outcome !== undefined) return true
        continue
      }
      try {
        const message = decoder.next()
        if (message === noFrame) {
          if (decoder.error !== undefined) this.#outcome = Effect.fail(decoder.error)
          else if (this.#isEnded) this.#outcome = Effect.void
          return true
        }
        this.#add(message)
      } catch (defect) {
        this.#outcome = Effect.die(defect)
      }
    }
    return this.#outcome !== undefined
  }

  #add(message: In): void {
    const running = this.#run(message)
    const slot: Slot<Out, E> = { exit: undefined, fiber: undefined }
    this.#slots.push(slot)
    if (Exit.isExit(running)) {
      slot.exit = running
      return
    }
    slot.fiber = running
    running.addObserver((exit) => {
      slot.exit = exit
      slot.fiber = undefined
      if (this.#isWorking || this.#isOver || this.#isScheduled || this.#slots[0] !== slot) return
      // Others may be done in the same turn: their replies leave together.
      this.#isScheduled = true
      this.#dispatcher.scheduleTask(this.#goOn, 0)
    })
  }

  // Encodes the replies that are there, up to the first that is not.
  #encode(): void {
    const { outbox } = this.#framed
    while (this.#slots.length > 0 && !outbox.isFull) {
      const { exit } = this.#slots[0]!
      if (exit === undefined) return
      this.#slots.shift()
      const failure = Exit.isSuccess(exit) ? outbox.add(exit.value) : undefined
      if (Exit.isSuccess(exit) && failure === undefined) continue
      const failed: Outcome<E> = Exit.isFailure(exit) ? Effect.failCause(exit.cause) : Effect.fail(failure!)
      this.#outcome = Effect.andThen(this.#interruptAll(), failed)
    }
  }

  #flush(): boolean {
    if (this.#isWriting) return false
    const { connection, outbox } = this.#framed
    const bytes = outbox.take()
    if (bytes.length === 0) return true
    const { refusal } = connection
    if (refusal !== undefined) {
      this.finish(Effect.fail(refusal))
      return false
    }
    this.#isWriting = !connection.output.write(bytes, this)
    return !this.#isWriting
  }
}
