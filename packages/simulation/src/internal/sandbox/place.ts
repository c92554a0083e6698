import type { Alarms, Pace } from "../time/place.ts"
import { builtin } from "./builtin.ts"
import type { Sandbox } from "./sandbox.ts"

/** Where code runs: in a run, and there in a process of a host or in none. */
export interface Place {
  readonly sandbox: Sandbox
  readonly alarms: Alarms
  readonly pace: Pace
  /** The name of the host; empty for none. */
  readonly host: string
  /** Callbacks that are due, in their order. */
  readonly due: Array<() => void>
}

interface Storage {
  readonly getStore: () => Place | undefined
  readonly run: <A>(place: Place | undefined, body: () => A) => A
}

interface AsyncHooks {
  readonly AsyncLocalStorage: {
    new(): Storage
    readonly bind: <F>(body: F) => F
  }
}

interface Shared {
  readonly hooks: AsyncHooks | undefined
  /** What the event loop runs for a run is told apart by it. */
  readonly storage: Storage | undefined
  /** The place of the synchronous run that has begun. */
  synchronous: Place | undefined
  /** Which patches are there, by name. */
  readonly patches: Map<string, unknown>
}

const key = Symbol.for("@sluice/simulation/eventLoop")

const share = (): Shared => {
  const hooks = builtin("node:async_hooks") as AsyncHooks | undefined
  return {
    hooks,
    storage: hooks === undefined ? undefined : new hooks.AsyncLocalStorage(),
    synchronous: undefined,
    patches: new Map()
  }
}

/** All copies of this module in a process share it: one may be loaded by `--import`, another by a test runner. */
export const shared: Shared = (globalThis as { [key]?: Shared })[key] ??= share()

/** The place of the code that runs now, if it runs in a simulation. */
export const current = (): Place | undefined => shared.synchronous ?? shared.storage?.getStore()

/** The same, if its run waits for what the platform does. */
export const awaiting = (): Place | undefined => {
  const place = current()
  return place !== undefined && place.sandbox.awaits && !place.sandbox.isOver ? place : undefined
}

/** Runs something at a place, synchronously. */
export const within = <A>(place: Place | undefined, body: () => A): A => {
  const before = shared.synchronous
  shared.synchronous = place
  try {
    return body()
  } finally {
    shared.synchronous = before
  }
}

/** Runs something, and what comes of it, as if it were no part of a simulation. */
export const outside = <A>(body: () => A): A =>
  shared.storage === undefined ? body() : within(undefined, () => shared.storage!.run(undefined, body))

/** A function that runs in the current context, wherever it is called. */
export const bound = <F>(body: F): F => shared.hooks === undefined ? body : shared.hooks.AsyncLocalStorage.bind(body)

/** How to run tasks at a place: what they leave to the event loop runs there too. */
export const entrance = (place: Place): (task: () => void) => void => {
  const { hooks, storage } = shared
  if (hooks === undefined || storage === undefined) return (task) => task()
  let next: (() => void) | undefined
  const enter = storage.run(place, () =>
    hooks.AsyncLocalStorage.bind(() => {
      const task = next!
      next = undefined
      task()
    }))
  return (task) => {
    next = task
    enter()
  }
}
