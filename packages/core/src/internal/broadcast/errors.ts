import * as Data from "effect/Data"

/** The receiver was too slow: `capacity` messages were waiting for it when there came one more. */
export class Overflowed extends Data.TaggedError("Overflowed")<{
  readonly subscriber: string
  readonly capacity: number
}> {
  override get message(): string {
    return `the subscriber ${this.subscriber} was too slow: ${this.capacity} messages were waiting for it when one more ` +
      "came; let it read faster, or give it more capacity or another overflow"
  }
}
