/** Where a node keeps what must survive a crash: a journal, which a snapshot replaces. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Journal from "../journal/Journal.ts"
import { type Record, record } from "./protocol.ts"

/** Fails when the disk does: a node that cannot write must not continue. */
export class Storage extends Context.Service<Storage, {
  /** All records from before the start, in the order of writing. */
  readonly records: ReadonlyArray<Record>
  /** Writes records, which may be lost until `sync` has returned. */
  readonly write: (records: ReadonlyArray<Record>) => Effect.Effect<void, Journal.JournalFailed>
  readonly sync: Effect.Effect<void, Journal.JournalFailed>
}>()("raft/Storage") {}

/** Keeps records in `raft.log` in a folder, which is created if missing. */
export const layer = (folder: string) =>
  Layer.effect(
    Storage,
    Effect.map(Journal.open(`${folder}/raft.log`, record), ({ append, records, replace, sync }) => ({
      records,
      write: (records) => {
        const at = records.findLastIndex(({ _tag }) => _tag === "Snapshot")
        return at === -1 ? append(records) : replace(records.slice(at))
      },
      sync
    }))
  )
