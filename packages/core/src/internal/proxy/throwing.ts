import * as Result from "effect/Result"
import { ProxyProtocolError, type Reason } from "../../ProxyProtocolError.ts"

/** Ends what `attempt` runs: the parts of a header lie deep within each other, and one fault ends them all. */
export const fail = (reason: Reason): never => {
  throw new ProxyProtocolError({ reason })
}

/** Runs a decoder or an encoder, and gives the fault that ended it as a value. */
export const attempt = <A>(run: () => A): Result.Result<A, ProxyProtocolError> => {
  try {
    return Result.succeed(run())
  } catch (error) {
    if (error instanceof ProxyProtocolError) return Result.fail(error)
    throw error
  }
}
