/** Flags that cannot be used, although each of them is valid text. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"

/** Flags that contradict each other, or a flag whose file cannot be used. */
export class BadFlag extends Data.TaggedError("BadFlag")<{ readonly message: string }> {}

/** Reads the file that a flag names. `what` is its content, for the error. */
export const readText = (path: string, flag: string, what: string) =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    return yield* Effect.mapError(
      fileSystem.readFileString(path),
      ({ message }) => new BadFlag({ message: `cannot read the ${what}: ${message}; check --${flag}` })
    )
  })
