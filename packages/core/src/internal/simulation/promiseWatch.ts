import * as Fiber from "effect/Fiber"

/**
 * Runs something synchronous, and tells which fibers began to wait for a promise meanwhile. Such a fiber cannot go on
 * before all is over: a promise answers only once nothing runs.
 */
export const watchPromises = <A>(run: (waiting: ReadonlySet<Fiber.Fiber<unknown, unknown>>) => A): A => {
  const waiting = new Set<Fiber.Fiber<unknown, unknown>>()
  const prototype = Promise.prototype
  const method: string = "then"
  const original = prototype.then
  const watched: typeof original = function(this: Promise<unknown>, ...handlers) {
    const fiber = Fiber.getCurrent()
    if (fiber !== undefined) waiting.add(fiber)
    return original.apply(this, handlers) as never
  }
  Object.defineProperty(prototype, method, { configurable: true, writable: true, value: watched })
  try {
    return run(waiting)
  } finally {
    Object.defineProperty(prototype, method, { configurable: true, writable: true, value: original })
  }
}
