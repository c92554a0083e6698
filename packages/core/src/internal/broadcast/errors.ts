import * as Data from "effect/Data"

/**
 * The subscriber was too slow: `capacity` messages, or messages of up to `maxBytes`, were waiting when another one was
 * published.
 *
 * @category errors
 * @since 0.1.0
 */
export class Overflowed extends Data.TaggedError("Overflowed")<{
  readonly subscriber: string
  readonly capacity: number
  /** Of the queue, if the message did not fit because of its bytes. */
  readonly maxBytes?: number | undefined
}> {
  override get message(): string {
    const [waiting, option] = this.maxBytes === undefined
      ? [`${this.capacity} messages`, "capacity"]
      : [`messages of up to ${this.maxBytes} bytes`, "maxBytes"]
    return `subscriber ${this.subscriber} too slow: ${waiting} waiting when another was published; ` +
      `read faster, raise ${option} or choose another overflow`
  }
}
