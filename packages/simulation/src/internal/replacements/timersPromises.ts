import { builtin } from "../sandbox/builtin.ts"
import type { Replace } from "../sandbox/patches.ts"
import { awaiting } from "../sandbox/place.ts"

interface Signal {
  readonly aborted: boolean
  readonly reason: unknown
  readonly addEventListener: (event: "abort", listener: () => void, options: { readonly once: true }) => void
  readonly removeEventListener: (event: "abort", listener: () => void) => void
}

interface Options {
  readonly signal?: Signal | undefined
}

interface Platform {
  readonly setTimeout: (callback: () => void, millis?: number) => unknown
  readonly setInterval: (callback: () => void, millis?: number) => unknown
  readonly setImmediate: (callback: () => void) => unknown
  readonly clearTimeout: (timer: unknown) => void
  readonly clearInterval: (timer: unknown) => void
  readonly clearImmediate: (timer: unknown) => void
  readonly AbortController: new() => { readonly signal: unknown; readonly abort: (reason: unknown) => void }
  readonly AbortSignal?: object
  readonly DOMException: new(message: string, name: string) => Error
}

// During a run, these globals are in virtual time.
const platform = globalThis as unknown as Platform

const abortError = ({ reason }: Signal): Error =>
  Object.assign(new Error("The operation was aborted", { cause: reason }), { name: "AbortError", code: "ABORT_ERR" })

/** Waits for a timer, or until the signal aborts. */
const waiting = <A>(
  value: A,
  options: Options | undefined,
  start: (onDone: () => void) => unknown,
  clear: (timer: unknown) => void
): Promise<A> =>
  new Promise((resolve, reject) => {
    const signal = options?.signal
    if (signal?.aborted === true) return reject(abortError(signal))
    const onAbort = () => {
      clear(timer)
      reject(abortError(signal!))
    }
    const timer = start(() => {
      signal?.removeEventListener("abort", onAbort)
      resolve(value)
    })
    signal?.addEventListener("abort", onAbort, { once: true })
  })

const setTimeout = <A>(millis?: number, value?: A, options?: Options) =>
  waiting(value, options, (onDone) => platform.setTimeout(onDone, millis), platform.clearTimeout)

const setImmediate = <A>(value?: A, options?: Options) =>
  waiting(value, options, (onDone) => platform.setImmediate(onDone), platform.clearImmediate)

async function* setInterval<A>(millis?: number, value?: A, options?: Options): AsyncGenerator<A | undefined> {
  let elapsed = 0
  let onElapsed: (() => void) | undefined
  const timer = platform.setInterval(() => {
    elapsed++
    onElapsed?.()
  }, millis)
  try {
    while (true) {
      if (elapsed === 0) {
        await waiting(undefined, options, (onDone) => onElapsed = onDone, () => {})
        onElapsed = undefined
      }
      for (; elapsed > 0; elapsed--) yield value
    }
  } finally {
    platform.clearInterval(timer)
  }
}

type AnyFunction = (this: unknown, ...args: Array<never>) => unknown

const virtual = (replacement: AnyFunction) => (original: AnyFunction): AnyFunction =>
  function(...args) {
    return (awaiting() === undefined ? original : replacement).apply(this, args)
  }

/** The timers of `node:timers/promises`. */
export const replaceTimersPromises = (replace: Replace): void => {
  const timers = builtin("node:timers/promises") as { readonly scheduler?: object } | undefined
  replace(timers, "setTimeout", virtual(setTimeout))
  replace(timers, "setImmediate", virtual(setImmediate))
  replace(timers, "setInterval", virtual(setInterval))
  replace(
    timers?.scheduler,
    "wait",
    virtual((millis: number, options?: Options) => setTimeout(millis, undefined, options))
  )
  replace(timers?.scheduler, "yield", virtual(() => setImmediate()))
}

/** `AbortSignal.timeout`: in virtual time, for code that runs in a simulation. */
export const replaceAbortSignal = (replace: Replace): void =>
  replace(
    platform.AbortSignal,
    "timeout",
    virtual((millis: number) => {
      const controller = new platform.AbortController()
      const reason = new platform.DOMException("The operation was aborted due to timeout", "TimeoutError")
      platform.setTimeout(() => controller.abort(reason), millis)
      return controller.signal
    })
  )
