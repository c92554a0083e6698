import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Workers from "../../Workers.ts"
import type { WorkersError } from "./error.ts"
import { format, type Sample } from "./metrics.ts"
import type { Settings } from "./options.ts"
import { Supervisor } from "./supervisor.ts"

/** Starts the workers, and returns the service of their supervisor. */
export const start = (
  settings: Settings
): Effect.Effect<Workers.Workers["Service"], WorkersError, Scope.Scope> =>
  Effect.map(Supervisor.make(settings), (supervisor) => ({
    ...supervisor.handle,
    connections: Effect.map(
      supervisor.ask<ReadonlyArray<Workers.ConnectionFacts>>("connections"),
      (answers) => answers.flatMap(({ pid, value, worker }) => value.map((each) => ({ ...each, worker, pid })))
    ),
    metrics: Effect.flatMap(supervisor.ask<ReadonlyArray<Sample>>("metrics"), format)
  }))
