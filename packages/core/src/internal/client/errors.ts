import * as Data from "effect/Data"

/** A message was not taken, because there is no connection; `queued` others wait for one. */
export class NotConnected extends Data.TaggedError("NotConnected")<{
  readonly state: "Connecting" | "Waiting" | "Closed"
  readonly queued: number
}> {
  override get message(): string {
    if (this.state === "Closed") return "the message was not sent: the client is closed"
    const full = this.queued === 0 ? "" : `, and ${this.queued} messages are already waiting for the next one`
    return `the message was not sent: there is no connection now${full}; send it again once the client is connected`
  }
}
