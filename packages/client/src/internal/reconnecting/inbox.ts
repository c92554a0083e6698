import * as Framed from "@sluice/core/Framed"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"

/** How many messages are received ahead of their receiver. */
const capacity = 16

/** The messages that a client has received and nobody has taken yet. */
export class Inbox<in out A, in out E> {
  readonly queue: Queue.Queue<A, E | Cause.Done>
  #onRoom: (() => void) | undefined = undefined

  constructor(queue: Queue.Queue<A, E | Cause.Done>) {
    this.queue = queue
  }

  /** Tells that messages have been taken. */
  readonly taken = (): void => {
    if (this.#hasRoom) this.#onRoom?.()
  }

  /** Removes the messages that nobody has taken. Returns how many there were. */
  readonly clear: Effect.Effect<number> = Effect.suspend(() =>
    Effect.map(Effect.orElseSucceed(Queue.clear(this.queue), () => []), (messages) => messages.length)
  )

  /**
   * Receives until the connection ends, and no faster than messages are taken. It learns of the end even if nobody takes
   * any; what was received by then is in the inbox.
   */
  fill<Out>(framed: Framed.Framed<Out, A>): Effect.Effect<void, Framed.FramedError> {
    const receive = Framed.receive(framed)
    const filling: Effect.Effect<void, Framed.FramedError> = Effect.suspend(() =>
      this.#hasRoom
        ? Effect.flatMap(receive, (message) => this.#add(message) ? filling : Effect.void)
        : Effect.flatMap(Effect.raceFirst(this.#room, Effect.as(Framed.ended(framed), true)), (isOver) =>
          isOver ? rest : filling)
    )
    const rest: Effect.Effect<void, Framed.FramedError> = Effect.flatMap(
      receive,
      (message) => this.#add(message) ? rest : Effect.void
    )
    return filling
  }

  #add(message: Option.Option<A>): boolean {
    if (Option.isNone(message)) return false
    Queue.offerUnsafe(this.queue, message.value)
    return true
  }

  get #hasRoom(): boolean {
    return Queue.sizeUnsafe(this.queue) < capacity
  }

  readonly #room: Effect.Effect<false> = Effect.callback((resume) => {
    if (this.#hasRoom) return resume(Effect.succeed(false))
    this.#onRoom = () => resume(Effect.succeed(false))
    return Effect.sync(() => {
      this.#onRoom = undefined
    })
  })
}
