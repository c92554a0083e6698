// What is replaced here is the `then` of the language's own promises: nothing becomes a promise that was none.
/* oxlint-disable unicorn/no-thenable */
import type { Replace } from "../sandbox/patches.ts"
import { awaiting, current, shared } from "../sandbox/place.ts"
import { guard } from "../sandbox/sandbox.ts"

type Callback = (...args: ReadonlyArray<unknown>) => void

// What other code throws while a run lets it run must not get between the run and its event loop.
let draining = false

interface Global {
  readonly process?: { readonly _tickCallback?: () => void }
  readonly setImmediate: (callback: () => void) => void
}

/** Runs the ticks and microtasks that wait, as Node does after each callback. */
export const drain = (): void => {
  draining = true
  try {
    ;(globalThis as unknown as Global).process!._tickCallback!()
  } finally {
    draining = false
  }
}

const guardOther = (callback: Callback): Callback => (...args) => {
  try {
    callback(...args)
  } catch (error) {
    if (!draining) throw error
    ;(globalThis as unknown as Global).setImmediate(() => {
      throw error
    })
  }
}

/** A function that runs a callback later: what a callback of a run throws fails the run. */
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
  const process = (globalThis as { readonly process?: object }).process
  // Vitest assigns what it was before, a tick after it has called the reporter.
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
  // A rejection that nobody handles fails the run that it belongs to.
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
