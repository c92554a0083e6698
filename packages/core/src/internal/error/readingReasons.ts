import * as Data from "effect/Data"
import { count, plural } from "../text/plural.ts"

/**
 * Another reader has the input of the connection. Two pipes cannot share it, and bytes cannot be put back while another
 * fiber waits for some.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Busy extends Data.TaggedClass("Busy") {
  readonly message = "its input is being read elsewhere"
  readonly advice = "wait for that reader to finish, or interrupt it"
}

/**
 * The peer ended its output before everything that was asked for was received. The `received` bytes can still be read.
 *
 * @category reasons
 * @since 0.1.0
 */
export class UnexpectedEnd extends Data.TaggedClass("UnexpectedEnd")<{
  readonly received: number
  readonly expected?: number | undefined
}> {
  readonly message: string = `the peer ended its output after ${plural(this.received, "byte")} ` +
    (this.expected === undefined ? "before the delimiter" : `of ${count(this.expected)}`)
  readonly advice = "the last message is incomplete"
}

/**
 * More was received than is allowed; `limit` is in bytes.
 *
 * @category reasons
 * @since 0.1.0
 */
export class LimitExceeded extends Data.TaggedClass("LimitExceeded")<{ readonly limit: number }> {
  readonly message: string = `received more than ${plural(this.limit, "byte")}`
  readonly advice = "raise the limit or reject the peer"
}

/**
 * The connections of this network have received more bytes than the budget allows and not delivered them, as unfinished
 * frames, and there was no room for this one for 10 seconds.
 *
 * @category reasons
 * @since 0.1.0
 */
export class BufferBudgetExceeded extends Data.TaggedClass("BufferBudgetExceeded")<{ readonly budget: number }> {
  readonly message: string = `the connections hold unfinished input near the budget of ${count(this.budget)} bytes`
  readonly advice = "raise Network.BufferBudget or lower the limits on frames"
}
