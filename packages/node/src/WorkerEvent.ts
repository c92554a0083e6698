/**
 * Events of workers. `Workers.events` is a stream of them.
 *
 * @since 0.1.0
 */
import type * as ServerEvent from "@sluice/core/ServerEvent"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"

/**
 * The fields of every event.
 *
 * @since 0.1.0
 * @category models
 */
export interface Common {
  /** When it happened: milliseconds since the epoch, by the wall clock. */
  readonly at: number
  /** The name of the worker: `"1"`, `"2"` and so on. A worker that replaces another has its name. */
  readonly worker: string
}

/**
 * The fields of an event about one process.
 *
 * @since 0.1.0
 * @category models
 */
export interface OfProcess extends Common {
  readonly pid: number
}

/**
 * The supervisor started a process.
 *
 * @since 0.1.0
 * @category events
 */
export class Started extends Data.TaggedClass("Started")<OfProcess> {}

/**
 * The servers of a process listen.
 *
 * @since 0.1.0
 * @category events
 */
export class Ready extends Data.TaggedClass("Ready")<OfProcess> {}

/**
 * A process ended. `expected`: the supervisor stopped it.
 *
 * @since 0.1.0
 * @category events
 */
export class Ended extends Data.TaggedClass("Ended")<
  OfProcess & {
    readonly code: number | null
    readonly signal: string | null
    readonly expected: boolean
  }
> {}

/**
 * The event loop of a process was blocked for longer than `unresponsive`. The supervisor kills the process; `Ended` follows.
 *
 * @since 0.1.0
 * @category events
 */
export class Unresponsive extends Data.TaggedClass("Unresponsive")<OfProcess> {}

/**
 * A worker ended unexpectedly. It is restarted `after` this delay.
 *
 * @since 0.1.0
 * @category events
 */
export class Restarting extends Data.TaggedClass("Restarting")<Common & { readonly after: Duration.Duration }> {}

/**
 * A reload replaced a worker with a new process, whose `pid` this is.
 *
 * @since 0.1.0
 * @category events
 */
export class Reloaded extends Data.TaggedClass("Reloaded")<OfProcess> {}

/**
 * A server of a worker emitted a `ServerEvent`. `tag` is its tag, and `facts` are its fields: addresses, errors and causes as
 * text, durations in milliseconds, annotations as a record.
 *
 * @since 0.1.0
 * @category events
 */
export class Reported extends Data.TaggedClass("Reported")<
  OfProcess & {
    readonly tag: ServerEvent.Tag
    readonly facts: Readonly<Record<string, unknown>>
  }
> {}

/**
 * An event of workers.
 *
 * @since 0.1.0
 * @category models
 */
export type WorkerEvent = Started | Ready | Ended | Unresponsive | Restarting | Reloaded | Reported
