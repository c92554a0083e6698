/**
 * What happens to workers, as values. `Workers.events` is a stream of them.
 *
 * @since 0.1.0
 */
import type * as ServerEvent from "@sluice/core/ServerEvent"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"

/**
 * What every event has.
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
 * What an event about one process has.
 *
 * @since 0.1.0
 * @category models
 */
export interface OfProcess extends Common {
  readonly pid: number
}

/**
 * A process was started.
 *
 * @since 0.1.0
 * @category events
 */
export class Started extends Data.TaggedClass("Started")<OfProcess> {}

/**
 * Its servers listen.
 *
 * @since 0.1.0
 * @category events
 */
export class Ready extends Data.TaggedClass("Ready")<OfProcess> {}

/**
 * A process has ended. `expected`: the supervisor had asked it to.
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
 * The event loop of a process was blocked for longer than `unresponsive` allows. It is killed, and `Ended` follows.
 *
 * @since 0.1.0
 * @category events
 */
export class Unresponsive extends Data.TaggedClass("Unresponsive")<OfProcess> {}

/**
 * A worker that ended unexpectedly is started again `after` this time.
 *
 * @since 0.1.0
 * @category events
 */
export class Restarting extends Data.TaggedClass("Restarting")<Common & { readonly after: Duration.Duration }> {}

/**
 * A worker was replaced by one that runs the program as it is now.
 *
 * @since 0.1.0
 * @category events
 */
export class Reloaded extends Data.TaggedClass("Reloaded")<OfProcess> {}

/**
 * What a server of a worker reported. `tag` and `facts` are those of the `ServerEvent`: addresses, errors and causes as text,
 * durations in milliseconds, annotations as a record.
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
 * Something that happened to workers.
 *
 * @since 0.1.0
 * @category models
 */
export type WorkerEvent = Started | Ready | Ended | Unresponsive | Restarting | Reloaded | Reported
