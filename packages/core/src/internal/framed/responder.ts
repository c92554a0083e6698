import { noFrame } from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import type { FramedState } from "./state.ts"
import { type Outcome, Turns } from "./turns.ts"

/**
 * Answers messages one after the other. Replies are written together: when no message is left, when the outbox is full, and
 * when a handler waits.
 */
export const answerInTurn = <Out, In, E, R>(
  framed: FramedState<Out, In>,
  handle: (message: In) => Effect.Effect<Out, E, R>
): Outcome<E, R> =>
  Effect.suspend(() => {
    const { decoder, outbox } = framed
    const answer = (reply: Effect.Effect<Out, E, R>): Outcome<E, R> => turns.meanwhile(Effect.flatMap(reply, add))
    const add = (message: Out): Outcome<E, R> => {
      const refusal = outbox.add(message)
      return refusal === undefined ? next() : Effect.fail(refusal)
    }
    const next = (): Outcome<E, R> => {
      if (outbox.isFull) return Effect.flatMap(outbox.flush, next)
      const message = decoder.next()
      return message === noFrame ? turns.resume() : answer(handle(message))
    }
    const turns = new Turns<Out, In, Out, E, R>(framed, {
      handle,
      take: (reply) => outbox.add(reply),
      whenPending: answer,
      whenEnded: Effect.void
    })
    return Effect.onError(turns.wait, () => Effect.ignore(outbox.flush))
  })
