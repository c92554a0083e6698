import type { Decoder, Framing, NoFrame } from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import { noFrame } from "@sluice/framing/FramingInput"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Heartbeat from "../../Heartbeat.ts"
import * as NetworkError from "../../NetworkError.ts"
import type { ConnectionState } from "../connection/state.ts"
import { monotonicMillis } from "../time/monotonic.ts"

/** Sends pings to a peer that is silent, and resets the connection when it stays so. */
export const watch = (connection: ConnectionState, options: {
  readonly interval: number
  readonly timeout: number
  readonly ping: Effect.Effect<void>
  readonly clock: Clock.Clock
  readonly scope: Scope.Scope
}): Effect.Effect<void> => {
  const { clock, interval, ping, scope, timeout } = options
  const { activity, input } = connection
  activity.watch(clock)
  const sleep = (millis: number) => Effect.sleep(Duration.millis(millis))
  // A peer that nobody listens to cannot be heard: the earliest that its time can begin to run is now.
  const silentSince = (now: number) => input.isWaiting ? Math.max(activity.lastIn, activity.readingSince) : now

  // One at a time: a peer that sends and does not read must not have them pile up.
  let isPinging = false
  const pingOnce = Effect.suspend(() => {
    if (isPinging) return Effect.void
    isPinging = true
    return Effect.ensuring(
      ping,
      Effect.sync(() => {
        isPinging = false
      })
    )
  })

  const silent: Effect.Effect<void> = Effect.suspend(() => {
    const now = monotonicMillis(clock)
    const left = silentSince(now) + interval - now
    if (left > 0) return Effect.andThen(sleep(left), silent)
    // On a fiber of its own: a peer that does not read must not keep us from noticing.
    return Effect.andThen(Effect.forkIn(pingOnce, scope), pinged(now, activity.bytesIn))
  })
  const pinged = (at: number, bytesBefore: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (activity.bytesIn !== bytesBefore) return silent
      const now = monotonicMillis(clock)
      const left = Math.max(at, silentSince(now)) + timeout - now
      if (left > 0) return Effect.andThen(sleep(left), pinged(at, bytesBefore))
      connection.fail(connection.error("read", new NetworkError.TimedOut({ deadline: "heartbeat", after: timeout })))
      return Effect.void
    })
  return silent
}

/** A decoder that answers pings, and passes neither these nor the answers to ours on. */
export class WithoutHeartbeats<Out, In, E> implements Decoder<In> {
  readonly #decoder: Decoder<In>
  readonly #options: Heartbeat.Options<Out, In>
  readonly #send: (pong: Out) => Effect.Effect<void, E>
  readonly #scope: Scope.Scope
  readonly #run: (effect: Effect.Effect<unknown>) => void
  #pong: Out | undefined = undefined
  #answering = false

  constructor(
    decoder: Decoder<In>,
    options: Heartbeat.Options<Out, In>,
    send: (pong: Out) => Effect.Effect<void, E>,
    scope: Scope.Scope,
    context: Context.Context<never>
  ) {
    this.#decoder = decoder
    this.#options = options
    this.#send = send
    this.#scope = scope
    this.#run = Effect.runForkWith(context)
  }

  next(): In | NoFrame {
    const { isPong, pong } = this.#options
    while (true) {
      const message = this.#decoder.next()
      if (message === noFrame) return noFrame
      const answer = pong?.(message)
      if (answer !== undefined) this.#answer(answer)
      else if (isPong?.(message) !== true) return message
    }
  }

  // One answer is on its way at a time, and one waits: a peer that sends pings and reads nothing costs no more than that.
  #answer(pong: Out): void {
    this.#pong = pong
    if (this.#answering) return
    this.#answering = true
    this.#run(Effect.forkIn(this.#answerAll(), this.#scope))
  }

  #answerAll(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const pong = this.#pong
      this.#pong = undefined
      if (pong !== undefined) return Effect.andThen(Effect.ignore(this.#send(pong)), this.#answerAll())
      this.#answering = false
      return Effect.void
    })
  }

  feed(chunk: Uint8Array): void {
    this.#decoder.feed(chunk)
  }

  finish(): void {
    this.#decoder.finish()
  }

  remainder(): Uint8Array {
    return this.#decoder.remainder()
  }

  switchTo<In2>(framing: Framing<never, In2>): Decoder<In2> {
    return this.#decoder.switchTo(framing)
  }

  get error(): FramingError | undefined {
    return this.#decoder.error
  }

  get buffered(): number {
    return this.#decoder.buffered
  }

  get offset(): number {
    return this.#decoder.offset
  }
}
