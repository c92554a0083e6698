/**
 * A queue of jobs, each of which is done at least once. A worker has a job until its lease ends. Jobs are on the disk before
 * they are accepted, and so is the end of a job.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Journal from "../journal/Journal.ts"
import type { Bug } from "./bugs.ts"
import { type Message, type Record, record } from "./protocol.ts"

export interface Options {
  /** The path of the journal. */
  readonly path: string
  /** How long a worker has a job. Default: 30 seconds. */
  readonly lease?: Duration.Input | undefined
  readonly bug?: Bug | undefined
  /** Told of each job that is given to a worker, and of each that is done. */
  readonly watch?: ((event: Event) => Effect.Effect<void>) | undefined
}

export interface Event {
  readonly kind: "given" | "done"
  readonly id: string
  readonly fence: number
}

export interface JobQueue {
  readonly answer: (request: Message) => Effect.Effect<Message>
  /** Never returns; fails when the disk does. Then start again, with a queue that is made anew. */
  readonly run: Effect.Effect<never, Journal.JournalFailed>
}

interface Job {
  readonly work: string
  fence: number
  /** When its lease ends, in milliseconds; `Infinity` once it is being ended. */
  until: number
}

// Jobs that wait, and finished jobs that are remembered for producers that retry.
const maxJobs = 100_000
const maxDone = 10_000
// Fences of one start of the server.
const fences = 2 ** 32

export const make = Effect.fnUntraced(function*({ bug, lease = "30 seconds", path, watch }: Options) {
  const leaseMillis = Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(lease)))
  const journal = yield* Journal.open(path, record)
  const jobs = new Map<string, Job>()
  const done = new Set<string>()
  let starts = 0

  const apply = (each: Record): void => {
    switch (each._tag) {
      case "Started":
        starts = each.count
        return
      case "Put":
        if (!done.has(each.id) && !jobs.has(each.id)) jobs.set(each.id, { work: each.work, fence: 0, until: -Infinity })
        return
      case "Done": {
        jobs.delete(each.id)
        done.add(each.id)
        const [oldest] = done
        if (done.size > maxDone) done.delete(oldest!)
      }
    }
  }
  const state = (): ReadonlyArray<Record> => [
    { _tag: "Started", count: starts },
    ...Array.from(done, (id) => ({ _tag: "Done" as const, id })),
    ...Array.from(jobs, ([id, { work }]) => ({ _tag: "Put" as const, id, work }))
  ]
  for (const each of journal.records) apply(each)
  starts++
  // All of it is written anew: what the kernel has failed to sync before would not be written by another sync.
  yield* journal.replace(state())

  const now = bug === "leasesByWallClock"
    ? Clock.currentTimeMillis
    : Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
  // Workers may have leases of the time before the start.
  const began = yield* now
  if (bug !== "forgetsLeases") { for (const job of jobs.values()) job.until = began + leaseMillis }
  let fence = bug === "forgetsFences" ? 0 : starts * fences

  // One fiber writes, so that all records that came during a sync leave with the next one.
  interface Write {
    readonly record: Record
    readonly written: Deferred.Deferred<void>
  }
  const writes = yield* Queue.bounded<Write>(1000)
  let written = 0
  const commit = Effect.gen(function*() {
    const batch = yield* Queue.takeBetween(writes, 1, 1000)
    yield* journal.append(batch.map(({ record }) => record))
    if (bug !== "skipsSyncs") yield* journal.sync
    for (const each of batch) {
      apply(each.record)
      yield* Deferred.succeed(each.written, undefined)
    }
    written += batch.length
    if (written < 1000 + 2 * (jobs.size + done.size)) return
    written = 0
    yield* journal.replace(state())
  })
  const write = Effect.fnUntraced(function*(record: Record) {
    const written = Deferred.makeUnsafe<void>()
    yield* Queue.offer(writes, { record, written })
    if (bug !== "answersBeforeSync" || record._tag !== "Put") yield* Deferred.await(written)
  })

  const answer = Effect.fnUntraced(function*(request: Message): Effect.fn.Return<Message> {
    switch (request._tag) {
      case "Put": {
        const { id, work } = request
        if (jobs.size >= maxJobs) return { _tag: "Nothing" }
        if (!jobs.has(id) && !done.has(id)) yield* write({ _tag: "Put", id, work })
        return { _tag: "Accepted" }
      }
      case "Take": {
        const time = yield* now
        for (const [id, job] of jobs) {
          if (job.until > time) continue
          job.fence = ++fence
          job.until = time + leaseMillis
          if (watch !== undefined) yield* watch({ kind: "given", id, fence })
          return { _tag: "Job", id, work: job.work, fence: job.fence, leaseMillis }
        }
        return { _tag: "Nothing" }
      }
      case "Done": {
        const { id, fence } = request
        const job = jobs.get(id)
        if (job === undefined) return { _tag: done.has(id) ? "Accepted" : "Late" }
        if (job.fence !== fence && bug !== "acceptsLateReports") return { _tag: "Late" }
        job.until = Infinity
        if (watch !== undefined) yield* watch({ kind: "done", id, fence })
        yield* write({ _tag: "Done", id })
        return { _tag: "Accepted" }
      }
      default:
        return { _tag: "Nothing" }
    }
  })
  return { answer, run: Effect.forever(commit) } satisfies JobQueue as JobQueue
})
