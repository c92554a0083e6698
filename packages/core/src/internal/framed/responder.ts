import type * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import type { Connection } from "../../Connection.ts"
import { CallbackEffect } from "../callback/callbackEffect.ts"
import { stateOf } from "../connection/state.ts"
import { makeState } from "./state.ts"
import { type Outcome, reply, type TurnOptions, Turns } from "./turns.ts"

/**
 * Answers messages one after the other. Replies are written together: when no message is left, when the outbox is full, and
 * when a handler waits.
 */
export const answerInTurn = <Out, In, E, R>(
  framing: Framing.Framing<Out, In>,
  handle: (message: In) => Effect.Effect<Out, E, R>
): (connection: Connection) => Outcome<E, R> => {
  const options: TurnOptions<Out, In, Out, E, R> = {
    handle,
    take: reply,
    whenEnded: Effect.void
  }
  return (connection) =>
    new CallbackEffect((completion) => new Turns(makeState(stateOf(connection), framing), options).begin(completion))
}
