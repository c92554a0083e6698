/** Where a node keeps what must survive a crash. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Record } from "./protocol.ts"

/** Fails when the disk does: a node that cannot write must not continue. */
export class Storage extends Context.Service<Storage, {
  /** All records, in the order of writing. Called once, before the first write. */
  readonly load: Effect.Effect<ReadonlyArray<Record>, Error>
  /** Writes records, which may be lost until `sync` has returned. */
  readonly write: (records: ReadonlyArray<Record>) => Effect.Effect<void, Error>
  readonly sync: Effect.Effect<void, Error>
}>()("raft/Storage") {}

/**
 * A disk for simulations, which outlives the node. A crash loses unsynced records, but may spare some of the first ones.
 * A sync takes up to `latency` milliseconds.
 */
export const memory = (latency: number): Storage["Service"] => {
  let synced: ReadonlyArray<Record> = []
  let written: ReadonlyArray<Record> = []
  const extend = (records: ReadonlyArray<Record>, more: ReadonlyArray<Record>) => {
    const at = more.findLastIndex(({ _tag }) => _tag === "Snapshot")
    return at === -1 ? [...records, ...more] : more.slice(at)
  }
  return {
    load: Effect.gen(function*() {
      const kept = Math.floor((yield* Random.next) * (written.length + 1))
      synced = extend(synced, written.slice(0, kept))
      written = []
      return synced
    }),
    write: (records) => Effect.sync(() => void (written = [...written, ...records])),
    sync: Effect.gen(function*() {
      const count = written.length
      yield* Effect.sleep((yield* Random.next) * latency)
      synced = extend(synced, written.slice(0, count))
      written = written.slice(count)
    })
  }
}
