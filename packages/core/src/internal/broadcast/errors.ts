import * as Data from "effect/Data"

/**
 * The subscriber was too slow: `capacity` messages were waiting when another one was published.
 *
 * @category errors
 * @since 0.1.0
 */
export class Overflowed extends Data.TaggedError("Overflowed")<{
  readonly subscriber: string
  readonly capacity: number
}> {
  override get message(): string {
    return `subscriber ${this.subscriber} too slow: ${this.capacity} messages waiting when another was published; ` +
      "read faster, raise capacity or choose another overflow"
  }
}
