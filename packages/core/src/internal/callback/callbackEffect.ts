import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"

/** Learns how a `CallbackEffect` has ended: called once, with what continues in its place. */
export interface Completion<A, E, R> {
  readonly onDone: (outcome: Effect.Effect<A, E, R>) => void
}

/** A `CallbackEffect` that has begun. */
export interface Running {
  /** Ends it early. */
  readonly stop: () => void
}

/**
 * An effect that happens in callbacks. A fiber that runs it waits for its end; a server begins it without a fiber, because
 * an idle fiber takes as much memory as the connection itself.
 */
export class CallbackEffect<A, E, R> extends Effectable.Class<A, E, R> {
  /** Begins. `completion` may be called during the call. */
  readonly begin: (completion: Completion<A, E, R>) => Running

  constructor(begin: (completion: Completion<A, E, R>) => Running) {
    super()
    this.begin = begin
  }

  // The outcome runs after the callback has returned: within it, each would leave a frame on the stack of the fiber.
  override asEffect(): Effect.Effect<A, E, R> {
    return Effect.flatten(Effect.callback<Effect.Effect<A, E, R>>((resume) => {
      const running = this.begin({ onDone: (outcome) => resume(Effect.succeed(outcome)) })
      return Effect.sync(() => running.stop())
    }))
  }
}
