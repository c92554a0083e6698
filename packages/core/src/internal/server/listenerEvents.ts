import * as Effect from "effect/Effect"
import type * as NetworkError from "../../NetworkError.ts"
import * as ServerEvent from "../../ServerEvent.ts"
import type { ListenerObserver } from "../accept/listener.ts"
import type { Events } from "./eventHub.ts"

/** Turns what happens to connections before they are served into events. */
export const listenerEvents = (options: {
  readonly events: Events
  readonly run: (effect: Effect.Effect<void>) => unknown
  /** Waits until the server drains. */
  readonly draining: Effect.Effect<void>
}): Omit<ListenerObserver, "onArrival"> => {
  const { draining, events, run } = options
  let count = 0
  let isPaused = false
  const emit = (error: NetworkError.NetworkError): void => {
    events.emit(new ServerEvent.AcceptFailed({ ...events.common(), error, count }))
    count = 0
  }
  // Failures that come within a second after an event are counted in the next.
  const pause = (error: NetworkError.NetworkError): Effect.Effect<void> =>
    Effect.flatMap(Effect.raceFirst(Effect.sleep("1 second"), draining), () => {
      isPaused = count > 0
      if (!isPaused) return Effect.void
      emit(error)
      return pause(error)
    })
  return {
    onRefused: ({ remoteAddress }, why) => {
      if (events.hears("Refused")) events.emit(new ServerEvent.Refused({ ...events.common(), remoteAddress, why }))
    },
    onHandshakeFailed: ({ remoteAddress }, error) => {
      if (!events.hears("HandshakeFailed")) return
      events.emit(new ServerEvent.HandshakeFailed({ ...events.common(), remoteAddress, error }))
    },
    onAcceptFailed: (error) => {
      count++
      if (isPaused) return
      isPaused = true
      emit(error)
      run(pause(error))
    }
  }
}
