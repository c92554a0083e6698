/** Standard input and output as bytes. They differ from those of `effect/Stdio` in what is said where they are made. */
import * as NodeSink from "@effect/platform-node/NodeSink"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Data from "effect/Data"

/** Standard input cannot be read, for example because it is a folder. */
export class InputFailed extends Data.TaggedError("InputFailed")<{ readonly cause: unknown }> {
  override get message(): string {
    return `cannot read standard input: ${String(this.cause)}`
  }
}

/** Nobody reads standard output any more. */
export class OutputClosed extends Data.TaggedError("OutputClosed") {}

/** Standard output cannot be written, for example because the disk is full. */
export class OutputFailed extends Data.TaggedError("OutputFailed")<{ readonly cause: unknown }> {
  override get message(): string {
    return `cannot write standard output: ${String(this.cause)}`
  }
}

/** Standard input; it is closed once nobody reads it here, so that a program that ends early need not wait for its end. */
export const input = NodeStream.fromReadable<Uint8Array, InputFailed>({
  evaluate: () => process.stdin,
  onError: (cause) => new InputFailed({ cause })
})

/** Standard output; a closed pipe is an error of its own. */
export const output = NodeSink.fromWritable<OutputClosed | OutputFailed, Uint8Array>({
  evaluate: () => process.stdout,
  onError: (cause) =>
    (cause as NodeJS.ErrnoException).code === "EPIPE" ? new OutputClosed() : new OutputFailed({ cause }),
  endOnDone: false
})
