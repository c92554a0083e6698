import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as NetworkError from "../../NetworkError.ts"
import { OutOfStep } from "./errors.ts"
import type { FramedState } from "./state.ts"

/**
 * Sends a message and waits for the next one behind the answers to the requests before it. A fiber that stops waiting leaves an
 * answer that could be taken for another's: from then on there are no more requests.
 */
export const request = <Out, In>(
  self: FramedState<Out, In>,
  message: Out
): Effect.Effect<In, NetworkError.NetworkError | FramingError | OutOfStep> =>
  Effect.suspend(() => {
    const outOfStep = Effect.suspend(() => Effect.fail(new OutOfStep({ peer: self.connection.peer })))
    if (self.isOutOfStep) return outOfStep
    const refusal = self.outbox.add(message)
    if (refusal !== undefined) return Effect.fail(refusal)
    const place = self.receivers.join<OutOfStep>(outOfStep)
    const answer = Effect.andThen(self.outbox.flush, self.receivers.wait(place)).pipe(
      Effect.onExit(() =>
        Effect.sync(() => {
          if (place.outcome !== undefined) return
          self.isOutOfStep = true
          self.receivers.leave(place)
          self.receivers.loseStep()
        })
      )
    )
    return Effect.flatMap(
      answer,
      (received) => Option.isSome(received) ? Effect.succeed(received.value) : noAnswer(self)
    )
  })

const noAnswer = <Out, In>({ connection, decoder }: FramedState<Out, In>) =>
  Effect.fail(connection.error("read", new NetworkError.UnexpectedEnd({ received: decoder.buffered })))
