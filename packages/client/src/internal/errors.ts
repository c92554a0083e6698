import type { NetworkError } from "@sluice/core/NetworkError"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Data from "effect/Data"
import { plural } from "./plural.ts"

/**
 * A message was not accepted, because there is no connection. `queued` others wait for one.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotConnected extends Data.TaggedError("NotConnected")<{
  readonly state: "Connecting" | "Waiting" | "Closed"
  readonly queued: number
}> {
  override get message(): string {
    if (this.state === "Closed") return "message not sent: the client is closed; make a new client"
    const full = this.queued === 0 ? "" : `, and the queue is full with ${plural(this.queued, "message")}`
    return `message not sent: not connected${full}; send it again once the client is connected, or raise whileAway.queue`
  }
}

/**
 * A request has no answer: its connection was lost, or there was no room for it. `sent` tells whether the peer may have
 * received it. A request that was not sent can be repeated safely.
 *
 * @category errors
 * @since 0.1.0
 */
export class RequestFailed<out E = never> extends Data.TaggedError("RequestFailed")<{
  readonly sent: boolean
  readonly reason: E | NetworkError | FramingError | Overloaded
}> {
  override get message(): string {
    const why = this.reason instanceof Error ? this.reason.message : String(this.reason)
    return this.sent
      ? `request failed after it was sent: ${why}; repeat it if the server may handle it twice`
      : `request failed before it was sent: ${why}; repeat it`
  }
}

/**
 * A request was not sent, because too many wait already. `pending` requests are in flight, and `waiting` callers wait for room.
 *
 * @category errors
 * @since 0.1.0
 */
export class Overloaded extends Data.TaggedError("Overloaded")<{
  readonly pending: number
  readonly waiting: number
}> {
  override get message(): string {
    return `${this.pending} requests are pending and ${this.waiting} wait; slow down, or raise maxPending or maxWaiting`
  }
}
