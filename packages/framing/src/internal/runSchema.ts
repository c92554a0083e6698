import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"

/** Runs a Schema synchronously. A Schema that does asynchronous work throws, and so fails too. */
export const runSchema = <A>(run: () => Result.Result<A, Schema.SchemaError>): Result.Result<A, string> => {
  try {
    return Result.mapError(run(), (error) => error.message)
  } catch (error) {
    return Result.fail(error instanceof Error ? error.message : String(error))
  }
}
