import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, integer, oneOf } from "@sluice/core/Options"
import type * as Result from "effect/Result"
import * as Os from "node:os"
import type * as Workers from "../../Workers.ts"

/** The options of workers, validated and complete; times in milliseconds. */
export interface Settings {
  readonly count: number
  readonly limits: "divided" | "each"
  readonly baseDelay: number
  readonly maxDelay: number
  readonly maxRestarts: number
  readonly within: number
  readonly startTimeout: number
  readonly stopTimeout: number
  readonly unresponsive: number
  readonly reloadOn: NodeJS.Signals | undefined
}

export const check = (
  options: Workers.Options<unknown, unknown>
): Result.Result<Settings, NetworkError.NetworkError> =>
  checked("configure", "workers", () => {
    const { count = "cores", limits = "divided", restart = {} } = options
    const baseDelay = duration("restart.baseDelay", restart.baseDelay ?? 100, 1)
    return {
      count: count === "cores" ? Os.availableParallelism() : integer("count", count, 1, 1_024),
      limits: oneOf("limits", limits, ["divided", "each"]),
      baseDelay,
      maxDelay: duration("restart.maxDelay", restart.maxDelay ?? Math.max(5_000, baseDelay), baseDelay),
      maxRestarts: integer("restart.maxRestarts", restart.maxRestarts ?? 5, 0, 1_000_000),
      within: duration("restart.within", restart.within ?? 60_000, 1),
      startTimeout: duration("startTimeout", options.startTimeout ?? 30_000, 1),
      stopTimeout: duration("stopTimeout", options.stopTimeout ?? 15_000, 1),
      unresponsive: duration("unresponsive", options.unresponsive ?? 30_000, 100),
      reloadOn: "reloadOn" in options ? options.reloadOn : "SIGHUP"
    }
  })
