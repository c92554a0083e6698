import * as Effect from "effect/Effect"
import type { Reader } from "./receiveQueue.ts"
import type { ConnectionState } from "./state.ts"

/** How many bytes are read ahead of the receiver to detect the end behind them. */
const mostAhead = 256 * 1024

/** Waits until the peer has ended or the connection is gone, also while input waits to be read. */
export const ended = (connection: ConnectionState): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const { input } = connection
    const over = () => resume(Effect.void)
    const observer = { onClosed: over }
    const reader: Reader = (_, error) => {
      if (error === undefined && !input.isEnded) look()
      else over()
    }
    const look = () => {
      if (input.isEnded) over()
      else if (input.available < mostAhead) input.gather(reader)
    }
    connection.observe(observer)
    look()
    return Effect.sync(() => {
      connection.ignore(observer)
      input.forget(reader)
    })
  })
