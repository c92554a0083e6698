import * as Result from "effect/Result"
import { isProxyProtocolError, ProxyProtocolError, type Reason } from "../ProxyProtocolError.ts"

/** Aborts the enclosing `attempt`: header parts are nested, and the first error ends them all. */
export const fail = (reason: Reason): never => {
  throw new ProxyProtocolError({ reason })
}

/** Runs a decoder or an encoder and returns the error that aborted it, if any. */
export const attempt = <A>(run: () => A): Result.Result<A, ProxyProtocolError> => {
  try {
    return Result.succeed(run())
  } catch (error) {
    if (isProxyProtocolError(error)) return Result.fail(error)
    throw error
  }
}
