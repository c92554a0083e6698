/** What can be asked of the server: the same values for who asks and who answers. */
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

export class NotFactorable extends Schema.TaggedError<NotFactorable>()("NotFactorable", { number: Schema.Number }) {
  override get message(): string {
    return `${this.number} has no prime factors; expected a whole number from 2 to 2^53 - 1`
  }
}

export class Primes extends RpcGroup.make(
  /** The prime factors of a number, smallest first. */
  Rpc.make("Factor", {
    payload: { number: Schema.Number },
    success: Schema.Array(Schema.Number),
    error: NotFactorable
  }),
  /** The first primes, as they are found. */
  Rpc.make("First", { payload: { count: Schema.Number }, success: Schema.Number, stream: true })
) {}
