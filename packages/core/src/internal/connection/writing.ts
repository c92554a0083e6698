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

const writeNow = (self: ConnectionState, chunks: ReadonlyArray<Uint8Array>): Writing => {
  const refusal = self.refusal
  if (refusal !== undefined) return Effect.fail(refusal)
  if (chunks.some(isEmpty)) {
    const filled = chunks.filter((chunk) => chunk.length > 0)
    return filled.length === 0 ? Effect.void : writeNow(self, filled)
  }
  if (chunks.length === 0) return Effect.void
  const { output } = self
  let outcome: Writing | undefined
  let settle = (result: Writing): void => {
    outcome = result
  }
  const writer: Writer = {
    onWritten: (error) => settle(error === undefined ? Effect.void : Effect.fail(error))
  }
  if (output.write(chunks, writer)) return Effect.void
  return Effect.callback((resume) => {
    if (outcome !== undefined) return resume(outcome)
    settle = resume
    return Effect.sync(() => output.withdraw(writer))
  })
}

const isEmpty = (chunk: Uint8Array): boolean => chunk.length === 0

export const end = (self: ConnectionState): Writing =>
  Effect.callback((resume) => {
    const { output } = self
    if (output.isEnded) return resume(Effect.void)
    if (output.failure !== undefined) return resume(Effect.fail(output.failure))
    const writer: Writer = {
      onWritten: (error) => resume(error === undefined ? Effect.void : Effect.fail(error))
    }
    if (self.end(writer)) resume(Effect.void)
  })
