import * as Data from "effect/Data"
import { plural } from "../text/plural.ts"

/**
 * The subscriber was too slow: its queue was full, by `capacity` or by `maxBytes`, when another message was published.
 *
 * @category errors
 * @since 0.1.0
 */
export class Overflowed extends Data.TaggedError("Overflowed")<{
  readonly subscriber: string
  readonly capacity: number
  /** The limit of the queue, if the message exceeded it. */
  readonly maxBytes?: number | undefined
}> {
  override get message(): string {
    const [waiting, option] = this.maxBytes === undefined
      ? [plural(this.capacity, "message"), "capacity"]
      : [`up to ${plural(this.maxBytes, "byte")}`, "maxBytes"]
    return `subscriber ${this.subscriber} too slow: ${waiting} waiting when another was published; ` +
      `read faster, raise ${option} or choose another overflow`
  }
}
