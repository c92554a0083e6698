/** The client's side: one file, over as many connections as it takes. */
import type * as Connection from "@sluice/core/Connection"
import type * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import { FramingError } from "@sluice/framing/FramingError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Channel, TransferFailed, withChannel } from "./protocol.ts"
import { openFile, type Store } from "./Store.ts"
import * as transfer from "./transfer.ts"

export interface Options extends transfer.Options {
  readonly connect: Effect.Effect<Connection.Connection, NetworkError.NetworkError, Network.Network | Scope.Scope>
  readonly idleTimeout: Duration.Duration
  /** Attempts to reconnect without progress in between. */
  readonly retries: number
  /** Called for each failure that is retried. */
  readonly onRetry: (message: string) => Effect.Effect<void>
}

const temporary: ReadonlyArray<TransferFailed["code"]> = ["Busy", "Corrupt", "Ended", "Stalled"]

/** Whether a retry may succeed: not if the server refuses the file or speaks another protocol. */
const isTemporary = (error: unknown): boolean =>
  error instanceof TransferFailed
    ? temporary.includes(error.code)
    : error instanceof FramingError
    ? error.reason._tag === "TruncatedFrame"
    : true

/** Connects and transfers, and retries temporary failures. */
const persist = <A, E, R>(
  options: Options,
  use: (channel: Channel, options: transfer.Options) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    let isConnected = false
    let reached = 0
    let failures = 0
    const once = options.connect.pipe(
      Effect.tap(() => Effect.sync(() => void (isConnected = true))),
      Effect.flatMap((connection) =>
        withChannel(connection, options.idleTimeout, (channel) =>
          use(channel, {
            ...options,
            onProgress: (offset, size) => {
              if (offset > reached) failures = 0
              reached = Math.max(reached, offset)
              options.onProgress(offset, size)
            }
          }))
      ),
      Effect.scoped
    )
    const pause = (error: unknown) => {
      // A server that never answered is most likely a wrong address.
      if (!isTemporary(error) || !isConnected || failures >= options.retries) return Effect.succeed(false)
      const time = Duration.millis(Math.min(10_000, 250 * 2 ** failures++))
      const message = error instanceof Error ? error.message : String(error)
      return options.onRetry(`${message}; resumes in ${Duration.format(time)}`).pipe(
        Effect.andThen(Effect.sleep(time)),
        Effect.as(true)
      )
    }
    return yield* Effect.retry(once, { while: pause })
  })

/** Sends a local file under a name. Returns its digest. */
export const send = (path: string, name: string, options: Options) =>
  Effect.scoped(
    Effect.flatMap(openFile(path), (source) =>
      persist(options, (channel, options) =>
        Effect.andThen(channel.send({ _tag: "Put", name }), transfer.send(channel, source, options))))
  )

/** Gets a file into a store, under the last part of its name. Returns its digest. */
export const get = (name: string, store: Store, options: Options) =>
  persist(options, (channel, options) =>
    Effect.andThen(
      channel.send({ _tag: "Get", name }),
      transfer.receive(channel, store, name.slice(name.lastIndexOf("/") + 1), options)
    ))
