import * as Data from "effect/Data"

/**
 * A worker did not start, at the start of the supervisor or in a reload.
 *
 * @since 0.1.0
 * @category reasons
 */
export class StartFailed extends Data.TaggedClass("StartFailed")<{ readonly worker: string; readonly why: string }> {
  get message(): string {
    return `worker ${this.worker} did not start: ${this.why}`
  }
}

/**
 * A worker crashed too often: it ended `times` within `within` milliseconds. All workers were stopped.
 *
 * @since 0.1.0
 * @category reasons
 */
export class CrashLoop extends Data.TaggedClass("CrashLoop")<{
  readonly worker: string
  readonly times: number
  readonly within: number
  /** How it ended last. */
  readonly why: string
}> {
  get message(): string {
    return `worker ${this.worker} ended ${this.times} times within ${this.within / 1_000} s, last with ${this.why}; ` +
      "fix the error that it logged, or raise restart.maxRestarts"
  }
}

/**
 * The process does not run a file, as with `node -e`, so that workers have no program to run.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NoProgram extends Data.TaggedClass("NoProgram") {
  get message(): string {
    return "cannot start workers: this process runs no file; run the program from a file"
  }
}

/**
 * Workers did not start, or did not keep running.
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkersError extends Data.TaggedError("WorkersError")<{
  readonly reason: StartFailed | CrashLoop | NoProgram
}> {
  override get message(): string {
    return this.reason.message
  }
}
