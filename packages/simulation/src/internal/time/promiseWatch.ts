// What is watched here is the `then` of the language's own promises: nothing becomes a promise that was none.
/* oxlint-disable unicorn/no-thenable */
import * as Fiber from "effect/Fiber"

/**
 * Runs something synchronous, and tells which fibers began to wait for a promise meanwhile. Such a fiber cannot continue
 * before all is over: a promise answers only once nothing runs.
 */
export const watchPromises = <A>(run: (waiting: Set<Fiber.Fiber<unknown, unknown>>) => A): A => {
  const waiting = new Set<Fiber.Fiber<unknown, unknown>>()
  const prototype: { then: Promise<unknown>["then"] } = Promise.prototype
  const original = prototype.then
  prototype.then = function(this: Promise<unknown>, ...handlers) {
    const fiber = Fiber.getCurrent()
    if (fiber !== undefined) waiting.add(fiber)
    return original.apply(this, handlers) as never
  }
  try {
    return run(waiting)
  } finally {
    prototype.then = original
  }
}
