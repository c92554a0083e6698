/** The server's side of a connection: one file, received or sent. */
import type * as Connection from "@sluice/core/Connection"
import * as SafeText from "@sluice/framing/SafeText"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Pace } from "./Pace.ts"
import { withChannel } from "./protocol.ts"
import type { Store } from "./Store.ts"
import * as transfer from "./transfer.ts"

export interface Options {
  readonly store: Store
  readonly pace: Pace
  readonly idleTimeout: Duration.Duration
}

export const handler = ({ idleTimeout, pace, store }: Options) => (connection: Connection.Connection) =>
  withChannel(connection, idleTimeout, (channel) =>
    Effect.gen(function*() {
      const { _tag, name } = yield* channel.receive("Put", "Get")
      let begun: number | undefined
      let total = 0
      const onProgress = (offset: number, size: number) => {
        begun ??= offset
        total = size
      }
      const options = { pace, onProgress }
      const hash = _tag === "Put"
        ? yield* transfer.receive(channel, store, name, options)
        : yield* transfer.send(channel, yield* store.open(name), options)
      const what = `${_tag === "Put" ? "received" : "sent"} ${SafeText.escape(name)}`
      yield* Effect.logInfo(`${what}: ${total} bytes, ${total - (begun ?? 0)} of them now, SHA-256 ${hash}`)
    }).pipe(
      Effect.scoped,
      Effect.catchTag("TransferFailed", ({ code, message }) =>
        code === "Ended"
          ? Effect.logInfo(message)
          : Effect.andThen(
            Effect.logWarning(`${code}: ${message}`),
            channel.send({ _tag: "Refused", code, message: SafeText.escape(message) })
          ))
    ))
