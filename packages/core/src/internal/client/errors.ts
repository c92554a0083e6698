import * as Data from "effect/Data"

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
    const full = this.queued === 0 ? "" : `, and the queue is full with ${this.queued} messages`
    return `message not sent: not connected${full}; send it again once the client is connected, or raise whileAway.queue`
  }
}
