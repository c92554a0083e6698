import * as Effect from "effect/Effect"
import * as NetworkError from "../NetworkError.ts"
import type { ConnectionState } from "./connection.ts"
import type { Consumer } from "./input.ts"

// From this size on, a chunk is a sign of a bulk transfer, which is worth a read buffer of its own.
const bulkBytes = 16 * 1024

/** Moves bytes from one connection to another in the callbacks of their transports, with no fiber in between. */
export const pump = (from: ConnectionState, to: ConnectionState): Effect.Effect<void, NetworkError.NetworkError> =>
  Effect.callback((resume) => {
    const { input } = from
    const { output } = to
    let dedicated = false
    let writing = false
    let ended = false
    let over = false

    const finish = (error?: NetworkError.NetworkError) => {
      if (over) return
      over = true
      // A lent chunk that is still being written stays in use until `written`, whoever reads on.
      if (!writing) input.detach(consumer)
      to.ignore(closed)
      resume(error === undefined ? Effect.void : Effect.fail(error))
    }
    const closed = () => finish(output.failure ?? to.error("write", new NetworkError.Closed()))
    const written = (error: NetworkError.NetworkError | undefined) => {
      writing = false
      if (over) input.detach(consumer)
      else if (error !== undefined) finish(error)
      else if (ended) finish()
      else input.goOn(consumer)
    }
    const consumer: Consumer = {
      onChunk: (chunk) => {
        if (output.failure !== undefined) {
          finish(output.failure)
          return true
        }
        let bytes = chunk
        if (!dedicated) {
          bytes = from.transport.keep(chunk)
          dedicated = chunk.length >= bulkBytes && from.transport.dedicate()
        }
        writing = !output.write([bytes], written)
        return !writing
      },
      onEnd: () => {
        ended = true
        if (!writing) finish()
      },
      onError: finish
    }

    if (to !== from) to.observe(closed)
    input.attach(consumer)
    return Effect.sync(finish)
  })
