import type * as Fiber from "effect/Fiber"

/** Told what fibers do, if a run records what they wait for. */
export interface Watch {
  /** A fiber runs in this step. */
  readonly ran: (fiber: Fiber.Fiber<unknown, unknown>) => void
  /** The current fiber sleeps until a time, in microseconds. */
  readonly sleeps: (until: number) => void
  /** A step is over: the fibers that ran in it wait, or have ended. */
  readonly settle: () => void
}
