import * as Data from "effect/Data"

/**
 * A request was refused, or lost its answer, because an earlier request on the same connection was interrupted before its
 * answer arrived: the next message could be the answer to either.
 *
 * @category errors
 * @since 0.1.0
 */
export class OutOfStep extends Data.TaggedError("OutOfStep")<{ readonly peer: string }> {
  override get message(): string {
    return `cannot match answers of ${this.peer} with requests: an earlier request was interrupted before its answer ` +
      "arrived; connect again, or share it with a FramedClient"
  }
}
