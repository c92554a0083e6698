import type { Alarms, Pace } from "../time/alarms.ts"
import { builtin } from "./builtin.ts"
import type { Sandbox } from "./sandbox.ts"

/** Where code of a run runs: in a process of a host, or on no host. */
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
  /** Tells which place a callback of the event loop belongs to. */
  readonly storage: Storage | undefined
  /** The place of the synchronous run that has begun. */
  synchronous: Place | undefined
  /** Installed patches, by name. */
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

/** The current place, if its run may wait for the event loop. */
export const awaiting = (): Place | undefined => {
  const place = current()
  return place !== undefined && place.sandbox.awaits && !place.sandbox.isOver ? place : undefined
}

/** Runs synchronous code at a place. */
export const within = <A>(place: Place | undefined, body: () => A): A => {
  const before = shared.synchronous
  shared.synchronous = place
  try {
    return body()
  } finally {
    shared.synchronous = before
  }
}

/** Runs code outside of all simulations, with the callbacks that it leaves to the event loop. */
export const outside = <A>(body: () => A): A =>
  shared.storage === undefined ? body() : within(undefined, () => shared.storage!.run(undefined, body))

/** A function that runs in the current context, wherever it is called. */
export const bound = <F>(body: F): F => shared.hooks === undefined ? body : shared.hooks.AsyncLocalStorage.bind(body)

/** Returns how to run tasks at a place. The callbacks that they leave to the event loop run there too. */
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
