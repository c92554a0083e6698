// This replaces the `then` of promises, and makes nothing else a promise.
/* oxlint-disable unicorn/no-thenable */
import { process } from "../sandbox/builtin.ts"
import type { Replace } from "../sandbox/patches.ts"
import { awaiting, current, shared } from "../sandbox/place.ts"
import { guard } from "../sandbox/sandbox.ts"

type Callback = (...args: ReadonlyArray<unknown>) => void

interface Global {
  readonly setImmediate: (callback: () => void) => void
}

/** Runs the ticks and microtasks that wait, as Node does after each callback. */
export const drain = (): void => process!._tickCallback!()

// A run that drains the queues runs microtasks of other code too. Their exceptions must not reach the run.
const guardOther = (callback: Callback): Callback => (...args) => {
  try {
    callback(...args)
  } catch (error) {
    ;(globalThis as unknown as Global).setImmediate(() => {
      throw error
    })
  }
}

/** A function that runs a callback later. An exception in a callback of a run fails the run. */
const deferring = (name: string) => (original: (callback: Callback, ...args: ReadonlyArray<unknown>) => void) =>
  function(this: unknown, callback: Callback, ...args: ReadonlyArray<unknown>): void {
    const place = current()
    if (typeof callback !== "function") return original.call(this, callback, ...args)
    if (place === undefined) {
      return original.call(this, shared.patches.has("runs") ? guardOther(callback) : callback, ...args)
    }
    place.sandbox.note(name)
    original.call(this, () => guard(place, () => callback(...args)))
  }

/** What Node runs after each callback: ticks, microtasks, and the callbacks of promises. */
export const replaceMicrotasks = (replace: Replace): void => {
  // Vitest assigns the original again, a tick after it has called the reporter.
  replace(process, "nextTick", deferring("process.nextTick"), "pinned")
  replace(globalThis, "queueMicrotask", deferring("queueMicrotask"))
  replace(
    Promise.prototype,
    "then",
    (original: Promise<unknown>["then"]) =>
      function(this: Promise<unknown>, ...handlers: Parameters<Promise<unknown>["then"]>) {
        current()?.sandbox.promise()
        return original.apply(this, handlers)
      }
  )
  // An unhandled rejection fails its run.
  replace(
    process,
    "emit",
    (original: (name: string, ...args: ReadonlyArray<unknown>) => boolean) =>
      function(this: unknown, name: string, ...args: ReadonlyArray<unknown>) {
        const place = name === "unhandledRejection" ? awaiting() : undefined
        if (place === undefined) return original.call(this, name, ...args)
        guard(place, () => {
          throw args[0]
        })
        return true
      }
  )
}
