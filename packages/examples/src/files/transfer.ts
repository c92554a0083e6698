/** Sends and receives one file. The client and the server do both. */
import * as Effect from "effect/Effect"
import * as blocks from "./blocks.ts"
import * as digest from "./digest.ts"
import type { Pace } from "./Pace.ts"
import { type Channel, failure } from "./protocol.ts"
import type { Source, Store } from "./Store.ts"

export interface Options {
  readonly pace: Pace
  /** Called at the start and after each block. */
  readonly onProgress: (offset: number, size: number) => void
}

const unreadable = () => failure("Failed", "the file cannot be read; check its disk")
const changed = failure("Changed", "the file changed while it was sent; send it again")

const wrongLength = failure("Unexpected", "the sender sent more or less than it offered; send the file again")

/** Sends the part of a file that the receiver lacks. Returns the digest of the file. */
export const send = Effect.fnUntraced(
  function*(channel: Channel, { file, size }: Source, { onProgress, pace }: Options) {
    yield* channel.send({ _tag: "Offer", size })
    const have = yield* channel.receive("Have")
    const prefix = yield* channel.busy(digest.ofPrefix(file, Math.min(have.offset, size)))
    const isSame = prefix.length === have.offset && digest.isEqual(digest.current(prefix.hash), have.digest)
    const offset = isSame ? have.offset : 0
    const hash = isSame ? prefix.hash : digest.empty()
    yield* channel.send({ _tag: "Start", offset })

    const block = Math.max(1, Math.min(have.block, pace.block))
    const buffers = [new Uint8Array(block), new Uint8Array(block)] as const
    const read = (turn: number, at: number) => {
      const buffer = buffers[turn % 2 === 0 ? 0 : 1].subarray(0, size - at)
      return Effect.map(digest.readAt(file, buffer, at), (length) => buffer.subarray(0, length))
    }
    // One block is read while the one before it is sent and hashed.
    const sending = Effect.gen(function*() {
      let bytes = yield* read(0, offset)
      let at = offset
      onProgress(at, size)
      for (let turn = 1; bytes.length > 0; turn++) {
        const begun = at
        const [next] = yield* Effect.all([
          read(turn, begun + bytes.length),
          Effect.andThen(pace.take(bytes.length), blocks.send(channel, bytes)),
          Effect.sync(() => hash.update(bytes))
        ], { concurrency: 3 })
        at += bytes.length
        onProgress(at, size)
        bytes = next
      }
      if (at < size) return yield* changed
      yield* blocks.end(channel, digest.current(hash))
    }).pipe(Effect.tapError(() => Effect.ignore(blocks.giveUp(channel))))
    // The receiver may refuse at any time.
    yield* Effect.all([sending, channel.receive("Done")], { concurrency: 2 })
    return hash.digest("hex")
  },
  Effect.catchTag("PlatformError", () => Effect.fail(unreadable()))
)

/** Receives the part of a file that a store lacks. Returns the digest of the file. */
export const receive = Effect.fnUntraced(
  function*(channel: Channel, store: Store, name: string, { onProgress, pace }: Options) {
    const { size } = yield* channel.receive("Offer")
    const target = yield* channel.busy(store.receive(name, size))
    yield* channel.send({
      _tag: "Have",
      offset: target.offset,
      digest: digest.current(target.hash),
      block: pace.block
    })
    const { offset } = yield* channel.receive("Start")
    if (offset !== 0 && offset !== target.offset) {
      return yield* failure("Unexpected", "the sender started elsewhere; use one version")
    }
    const hash = offset === 0 ? digest.empty() : target.hash
    const writer = yield* target.start(offset)
    let at = offset
    onProgress(at, size)
    const sent = yield* blocks.receive(
      channel,
      Effect.fnUntraced(function*(bytes) {
        if (bytes.length > size - at) return yield* wrongLength
        yield* pace.take(bytes.length)
        // The system writes while this hashes.
        yield* Effect.all([writer.write(bytes), Effect.sync(() => hash.update(bytes))], { concurrency: 2 })
        at += bytes.length
        onProgress(at, size)
      })
    )
    if (at < size) return yield* wrongLength
    if (!digest.isEqual(sent, digest.current(hash))) {
      yield* writer.discard
      return yield* failure("Corrupt", "the SHA-256 differs; send the file again")
    }
    yield* channel.busy(writer.commit)
    yield* channel.send({ _tag: "Done" })
    return hash.digest("hex")
  },
  Effect.scoped
)
