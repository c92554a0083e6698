/**
 * The messages of a transfer. One side sends a file and the other receives it, whichever of them is the client:
 *
 * 1. The client names the file: `Put` or `Get`.
 * 2. The sender says how long the file is: `Offer`.
 * 3. The receiver says how many bytes it already has, and their digest: `Have`.
 * 4. The sender compares the digest with that of its own file, and starts there or at 0: `Start`.
 * 5. The sender sends the bytes in blocks, and then the digest of the whole file: see `blocks.ts`.
 * 6. The receiver compares the digest, and gives the file its name: `Done`.
 *
 * `Wait` says that a side is still at work; `Refused` ends the transfer. A connection is for one file.
 */
import * as Codec from "@sluice/codec/Codec"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as SafeText from "@sluice/framing/SafeText"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** Bytes in one block, at most. */
export const largestBlock = 256 * 1024

const codes = {
  NotFound: 1,
  Exists: 2,
  BadName: 3,
  TooLarge: 4,
  NoSpace: 5,
  Busy: 6,
  Corrupt: 7,
  Changed: 8,
  Ended: 9,
  Stalled: 10,
  Unexpected: 11,
  Failed: 12
} as const

/** A transfer failed, on this side or on the other. */
export class TransferFailed extends Data.TaggedError("TransferFailed")<{
  readonly code: keyof typeof codes
  readonly message: string
}> {}

export const failure = (code: TransferFailed["code"], message: string) => new TransferFailed({ code, message })

const magic = Codec.literal("SLF1")
const name = Codec.lengthPrefixed(Codec.uint16be, Codec.text(), { limit: 1024 })
const digest = Codec.bytes(32)
const length = Codec.refine(Codec.uint(8), Number.isSafeInteger, "a file has less than 8 PiB")

const message = Codec.tagged(Codec.uint8, {
  Put: [1, { magic, name }],
  Get: [2, { magic, name }],
  Offer: [3, { size: length }],
  Have: [4, { offset: length, digest, block: Codec.uint32be }],
  Start: [5, { offset: length }],
  Done: [6],
  Wait: [7],
  Refused: [8, {
    code: Codec.enumeration(Codec.uint8, codes),
    message: Codec.lengthPrefixed(Codec.uint16be, Codec.text(), { limit: 4096 })
  }]
}).pipe(Codec.named("message"))

export type Message = Codec.Type<typeof message>
type Tagged<Tag> = Extract<Message, { readonly _tag: Tag }>

const framing = Codec.framing(message)

/** A connection of messages. */
export interface Channel {
  readonly connection: Connection.Connection
  /** Restarts the idle timeout. */
  readonly touch: Effect.Effect<void>
  /** The failure of a peer that ended too early. */
  readonly ended: TransferFailed
  readonly send: (message: Message) => Effect.Effect<void, Framed.FramedError>
  /** Receives the next message, which must be one of these. */
  readonly receive: <Tag extends Message["_tag"]>(
    ...tags: ReadonlyArray<Tag>
  ) => Effect.Effect<Tagged<Tag>, Framed.FramedError | TransferFailed>
  /** Runs an effect, and sends `Wait` meanwhile. */
  readonly busy: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Framed.FramedError, R>
}

/** Gives a channel to `use`, and fails with `Stalled` when nothing passes for `idleTimeout`. */
export const withChannel = <A, E, R>(
  connection: Connection.Connection,
  idleTimeout: Duration.Duration,
  use: (channel: Channel) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const framed = yield* Framed.make(connection, framing)
    let active = clock.monotonicTimeNanosUnsafe()
    const touch = Effect.sync(() => void (active = clock.monotonicTimeNanosUnsafe()))
    const peer = Connection.formatPeer(connection)
    const ended = failure("Ended", `${peer} ended the transfer`)
    const send = (message: Message) => Effect.andThen(Framed.send(framed, message), touch)
    const next = Effect.flatMap(Framed.receive(framed), (received) => Effect.as(touch, received))
    const receive: Channel["receive"] = <Tag extends Message["_tag"]>(...tags: ReadonlyArray<Tag>) =>
      Effect.flatMap(next, (received): Effect.Effect<Tagged<Tag>, Framed.FramedError | TransferFailed> => {
        if (Option.isNone(received)) return ended
        const { value } = received
        if (isOneOf(tags, value)) return Effect.succeed(value)
        if (value._tag === "Wait") return receive(...tags)
        return value._tag === "Refused"
          ? failure(value.code, SafeText.escape(value.message))
          : failure("Unexpected", `unexpected message ${value._tag}; use one version`)
      })

    const wait = Effect.forever(
      Effect.andThen(Effect.sleep(Duration.divideUnsafe(idleTimeout, 4)), send({ _tag: "Wait" }))
    )
    const busy: Channel["busy"] = (work) => Effect.raceFirst(work, wait)

    const limit = Option.getOrThrow(Duration.toNanos(idleTimeout))
    const watch: Effect.Effect<never, TransferFailed> = Effect.suspend(() => {
      const left = active + limit - clock.monotonicTimeNanosUnsafe()
      if (left > 0n) return Effect.andThen(Effect.sleep(Duration.nanos(left)), watch)
      const after = Duration.format(idleTimeout)
      return failure("Stalled", `${peer} stalled for ${after}; raise --idle-timeout or resume`)
    })
    return yield* Effect.raceFirst(use({ connection, touch, ended, send, receive, busy }), watch)
  })

const isOneOf = <Tag extends Message["_tag"]>(tags: ReadonlyArray<Tag>, message: Message): message is Tagged<Tag> =>
  (tags as ReadonlyArray<string>).includes(message._tag)
