import * as Effect from "effect/Effect"
import type * as NetworkError from "../../NetworkError.ts"
import type { Writer } from "./sendQueue.ts"
import type { ConnectionState } from "./state.ts"

type Writing = Effect.Effect<void, NetworkError.NetworkError>

export const writeAll = (self: ConnectionState, chunks: ReadonlyArray<Uint8Array>): Writing =>
  Effect.suspend(() => writeNow(self, chunks))

export const writeText = (self: ConnectionState, text: string): Writing =>
  Effect.suspend(() => writeNow(self, [encoder.encode(text)]))

const encoder = new TextEncoder()

/** A write that did not complete at once. */
class PendingWrite implements Writer {
  #outcome: Writing | undefined = undefined
  #resume: ((outcome: Writing) => void) | undefined = undefined

  onWritten(error: NetworkError.NetworkError | undefined): void {
    this.#outcome = error === undefined ? Effect.void : Effect.fail(error)
    this.#resume?.(this.#outcome)
  }

  wait({ output }: ConnectionState): Writing {
    return this.#outcome ?? Effect.callback((resume) => {
      if (this.#outcome !== undefined) return resume(this.#outcome)
      this.#resume = resume
      return Effect.sync(() => output.withdraw(this))
    })
  }
}

/** Writes at once, and gives what waits until that is done. */
export const writeNow = (self: ConnectionState, chunks: ReadonlyArray<Uint8Array>): Writing => {
  const write = new PendingWrite()
  return writeWithCallback(self, chunks, write) ? Effect.void : write.wait(self)
}

/** Writes. `true`: done, and the writer is not called. Where nothing can be written, it is called at once. */
export const writeWithCallback = (
  self: ConnectionState,
  chunks: ReadonlyArray<Uint8Array>,
  writer: Writer
): boolean => {
  const refusal = self.refusal
  if (refusal !== undefined) {
    writer.onWritten(refusal)
    return false
  }
  const filled = chunks.every(isFilled) ? chunks : chunks.filter(isFilled)
  return filled.length === 0 || self.output.write(filled, writer)
}

const isFilled = (chunk: Uint8Array): boolean => chunk.length > 0

export const end = (self: ConnectionState): Writing =>
  Effect.callback((resume) => {
    const writer: Writer = { onWritten: (error) => resume(error === undefined ? Effect.void : Effect.fail(error)) }
    if (endWithCallback(self, writer)) resume(Effect.void)
  })

/** Sends FIN. `true`: sent, and the writer is not called. Where nothing can be sent, it is called at once. */
export const endWithCallback = (self: ConnectionState, writer: Writer): boolean => {
  const { output } = self
  if (output.isEnded) return true
  if (output.failure === undefined) return self.end(writer)
  writer.onWritten(output.failure)
  return false
}
