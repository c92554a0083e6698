/**
 * How a simulation ends that does not end as its program does.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { AmbientCall } from "./internal/sandbox/caller.ts"
import { plural } from "./internal/text/plural.ts"

export {
  /**
   * A call of something of the platform, such as `setTimeout`.
   *
   * @since 0.1.0
   * @category models
   */
  type AmbientCall
} from "./internal/sandbox/caller.ts"

/**
 * A fiber that was waiting.
 *
 * @since 0.1.0
 * @category models
 */
export interface WaitingFiber {
  readonly id: number
  /** The host that it runs on. Empty: none. */
  readonly host: string
  /** Its spans, the outermost first, or the functions that it is in. `undefined`: it has none. */
  readonly name: string | undefined
  /** Whether it waits for a promise. */
  readonly awaitsPromise: boolean
  /** When its sleep ends: the virtual time, in milliseconds. `undefined`: it does not sleep. */
  readonly sleepsUntil?: number | undefined
}

/**
 * A socket, and what it was waiting for.
 *
 * @since 0.1.0
 * @category models
 */
export interface WaitingSocket {
  readonly host: string
  /** `"tcp 10.0.0.1:40000 -> 10.0.0.2:80"` */
  readonly name: string
  readonly waitsFor: string
}

interface Situation {
  /** The virtual time, in milliseconds. */
  readonly at: number
  readonly fibers: ReadonlyArray<WaitingFiber>
  readonly sockets: ReadonlyArray<WaitingSocket>
  /** Timers and callbacks of the platform that the program used, which a synchronous run never calls. */
  readonly calls: ReadonlyArray<AmbientCall>
  /** Whether the run was synchronous, and could not wait for promises. */
  readonly isSynchronous: boolean
}

/**
 * Nothing is left that could happen, and the program has not ended: every fiber waits, and no timer and no packet is
 * in flight.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationDeadlock extends Data.TaggedError("SimulationDeadlock")<Situation> {
  override get message(): string {
    const first = !this.isSynchronous || this.fibers.every((fiber) => !fiber.awaitsPromise)
      ? `the simulation is stuck at ${this.at} ms: everything waits, and nothing is left that could happen`
      : `the program awaits a promise at ${this.at} ms: a synchronous run resolves none; run it with Effect.runPromise, ` +
        "without eventLoop: false"
    return [first, ...describe(this)].join("\n")
  }
}

/**
 * An operation of the platform, such as reading a file, has not completed within `limit.operation` of real time.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationStalled extends Data.TaggedError("SimulationStalled")<
  Situation & {
    /** What has not completed, in the order in which it began. */
    readonly operations: ReadonlyArray<AmbientCall>
  }
> {
  override get message(): string {
    return [
      `the simulation waits at ${this.at} ms for operations that do not complete; raise limit.operation, or complete them`,
      ...list("operations", this.operations, ({ caller, name }) => `${name} ${caller}`),
      ...describe(this)
    ].join("\n")
  }
}

/**
 * The program used a socket, a process or a thread of the system, which does not run in virtual time.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationRefused extends Data.TaggedError("SimulationRefused")<
  AmbientCall & {
    /** The virtual time, in milliseconds. */
    readonly at: number
  }
> {
  override get message(): string {
    return `cannot call ${this.name} in a simulation: it is not in virtual time: ${this.caller}; use the Network of the simulation`
  }
}

/**
 * A callback of the platform, such as that of a timer, threw an exception, or a promise was rejected without a handler. In
 * Node that ends the process.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationUncaught extends Data.TaggedError("SimulationUncaught")<{
  /** The host that it ran on; empty for none. */
  readonly host: string
  /** The virtual time, in milliseconds. */
  readonly at: number
  readonly cause: unknown
}> {
  override get message(): string {
    const why = this.cause instanceof Error ? `${this.cause.name}: ${this.cause.message}` : String(this.cause)
    const where = this.host === "" ? "" : ` on host "${this.host}"`
    return `uncaught exception${where} at ${this.at} ms: ${why}; handle it where it is thrown`
  }
}

/**
 * The program took longer than it was allowed to: `limit` says what it used up.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationLimitExceeded extends Data.TaggedError("SimulationLimitExceeded")<
  Situation & {
    readonly limit: "time" | "steps"
    /** The limit itself: milliseconds of virtual time, or steps. */
    readonly allowed: number
    readonly steps: number
  }
> {
  override get message(): string {
    const first = this.limit === "time"
      ? `the simulation did not end within limit.time, ${this.allowed} ms of virtual time: at ${this.at} ms, it waits for something later`
      : `the simulation did not end within limit.steps, ${this.allowed} steps: it is at ${this.at} ms of virtual time`
    return [`${first}; end the program, or raise the limit`, ...describe(this)].join("\n")
  }
}

/**
 * The program of a host failed, and `Host.start` was not told to log that.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationHostFailed extends Data.TaggedError("SimulationHostFailed")<{
  readonly host: string
  /** The virtual time, in milliseconds. */
  readonly at: number
  /** The error or defect. */
  readonly cause: unknown
}> {
  override get message(): string {
    const why = this.cause instanceof Error ? `${this.cause.name}: ${this.cause.message}` : String(this.cause)
    return `the program of host "${this.host}" failed at ${this.at} ms: ${why}; handle the error, or start the program ` +
      "with onFailure: \"log\""
  }
}

/**
 * A `Property.always` did not hold, or a `Property.unreachable` was reached.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationPropertyViolated extends Data.TaggedError("SimulationPropertyViolated")<{
  readonly property: string
  /** The virtual time, in milliseconds. */
  readonly at: number
  /** The details that the program gave, as text. */
  readonly details: string
}> {
  override get message(): string {
    return `the property "${this.property}" was violated at ${this.at} ms${
      this.details && `: ${this.details}`
    }; read the ` +
      "trace up to that moment"
  }
}

/**
 * The program did not recover after a campaign: `eventually` did not succeed in time.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationNotLive extends Data.TaggedError("SimulationNotLive")<{
  /** The virtual time, in milliseconds. */
  readonly at: number
  /** Milliseconds without faults. */
  readonly calm: number
  /** Why it failed the last time; `undefined` if it did not end. */
  readonly cause: unknown
}> {
  override get message(): string {
    const why = this.cause === undefined
      ? "it did not end"
      : this.cause instanceof Error
      ? this.cause.message
      : String(this.cause)
    return `the program did not recover within ${this.calm} ms after all faults were healed: eventually: ${why}; raise calm, ` +
      "or mend the recovery"
  }
}

/**
 * A seed gave two different runs. Something outside of the simulation decides: a real clock, a real random number. The message
 * shows the first record of the trace that differs.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationNotDeterministic extends Data.TaggedError("SimulationNotDeterministic")<{
  readonly seed: number | string
  /** What was different: a line of `Trace.toText`, the result, or the length of each run. */
  readonly first: string
  readonly second: string
  /** Which record of the trace is the first that differs, from 1; `undefined` if none does. */
  readonly record: number | undefined
  /** The last records before it, which both runs have. */
  readonly before: ReadonlyArray<string>
  /** The path of a page that shows both runs side by side; `undefined` if it could not be written. */
  readonly report?: string | undefined
}> {
  override get message(): string {
    const { before, first, record, report, second, seed } = this
    const what = record === undefined ? `${first}; and ${second}` : `record ${record} of the trace differs`
    return [
      `the seed ${seed} gave two different runs: ${what}; remove what the seed does not decide, such as a variable of a ` +
      "module, or a value of the system",
      ...(record === undefined
        ? []
        : [...before.map((line) => `  both   ${line}`), `  first  ${first}`, `  second ${second}`]),
      ...(report === undefined ? [] : [`the page that shows both runs side by side: ${report}`])
    ].join("\n")
  }
}

/**
 * Properties that must hold in some run (`Property.sometimes`, `Property.reachable`) held in none: the exploration did not
 * test what it was meant to.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationUnmet extends Data.TaggedError("SimulationUnmet")<{
  readonly properties: ReadonlyArray<string>
  /** How many seeds were run. */
  readonly runs: number
}> {
  override get message(): string {
    const names = this.properties.map((name) => `"${name}"`).join(", ")
    return `none of ${plural(this.runs, "seed")} got to ${names}; ` +
      "run more seeds or harder faults, or set unmet to \"report\""
  }
}

/**
 * Any of them.
 *
 * @since 0.1.0
 * @category models
 */
export type SimulationError =
  | SimulationDeadlock
  | SimulationHostFailed
  | SimulationLimitExceeded
  | SimulationNotLive
  | SimulationPropertyViolated
  | SimulationRefused
  | SimulationStalled
  | SimulationUncaught

const shown = 20

const describe = ({ calls, fibers, sockets }: Situation): ReadonlyArray<string> => [
  ...listFibers(fibers),
  ...list("sockets", sockets, ({ host, name, waitsFor }) => `${host}: ${name}: ${waitsFor}`),
  ...list(
    "timers and callbacks of the platform, which never come in a synchronous run",
    calls,
    ({ caller, name }) => `${name} ${caller}`
  )
]

// A fiber without a span says no more than its host: those of one host are counted.
const listFibers = (fibers: ReadonlyArray<WaitingFiber>): ReadonlyArray<string> => {
  const lineOf = ({ awaitsPromise, host, name, sleepsUntil }: WaitingFiber) =>
    [
      ...(host === "" ? [] : [host]),
      name ?? "without a span",
      ...(awaitsPromise ? ["waits for a promise"] : sleepsUntil === undefined ? [] : [`sleeps until ${sleepsUntil} ms`])
    ].join(": ")
  const nameless = Map.groupBy(fibers.filter(({ name }) => name === undefined), lineOf)
  return list("fibers", [
    ...fibers.filter(({ name }) => name !== undefined).map(lineOf),
    ...Array.from(nameless, ([line, { length }]) => length === 1 ? line : `${line} (${length} fibers)`)
  ], (line) => line)
}

const list = <A>(title: string, all: ReadonlyArray<A>, format: (each: A) => string): ReadonlyArray<string> =>
  all.length === 0 ? [] : [
    `${title}:`,
    ...all.slice(0, shown).map((each) => `  ${format(each)}`),
    ...(all.length > shown ? [`  and ${all.length - shown} more`] : [])
  ]
