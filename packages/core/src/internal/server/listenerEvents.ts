import type * as Clock from "effect/Clock"
import * as ServerEvent from "../../ServerEvent.ts"
import type { ListenerObserver } from "../accept/listener.ts"
import { monotonicMillis } from "../time/monotonic.ts"
import type { Events } from "./eventHub.ts"

/** Milliseconds between two `AcceptFailed` events. */
const pause = 1000

/** Turns what happens to connections before they are served into events. */
export const listenerEvents = (events: Events, clock: Clock.Clock): Omit<ListenerObserver, "onArrival"> => {
  let lastFailure = -Infinity
  let count = 0
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
      const now = monotonicMillis(clock)
      if (now - lastFailure < pause) return
      lastFailure = now
      events.emit(new ServerEvent.AcceptFailed({ ...events.common(), error, count }))
      count = 0
    }
  }
}
