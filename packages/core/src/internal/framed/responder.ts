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
    const { outbox } = framed
    const turns = new Turns<Out, In, Out, E, R>(framed, {
      handle,
      take: (reply) => {
        const refusal = outbox.add(reply)
        return refusal === undefined ? undefined : Effect.fail(refusal)
      },
      whenEnded: Effect.void
    })
    return Effect.onError(turns.wait, () => Effect.ignore(outbox.flush))
  })
