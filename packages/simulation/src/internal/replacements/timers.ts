import { builtin } from "../sandbox/builtin.ts"
import { like, type Replace } from "../sandbox/patches.ts"
import { bound, current, type Place } from "../sandbox/place.ts"
import { due } from "../sandbox/sandbox.ts"
import type { Event } from "../time/eventQueue.ts"

type Callback = (...args: ReadonlyArray<unknown>) => void

// As in Node: a longer delay becomes 1 ms.
const longest = 2 ** 31 - 1

/** A timer in virtual time, as `setTimeout` and `setInterval` of Node return them. */
class VirtualTimer {
  readonly #place: Place
  readonly #callback: () => void
  readonly #millis: number
  readonly #repeats: boolean
  #event: Event | undefined = undefined
  #deadline = 0
  #state: "waiting" | "due" | "closed" = "waiting"
  #number: number | undefined = undefined
  #isRef = true

  constructor(place: Place, callback: Callback, millis: unknown, args: ReadonlyArray<unknown>, repeats: boolean) {
    this.#place = place
    this.#callback = bound(() => callback.apply(this, args as Array<unknown>))
    const number = Number(millis)
    this.#millis = number >= 1 && number <= longest ? Math.trunc(number) : 1
    this.#repeats = repeats
    this.refresh()
  }

  /** Restarts the delay. Sockets do this at each chunk, so the event stays scheduled, and checks the deadline when it runs. */
  refresh(): this {
    const { pace, sandbox } = this.#place
    this.#deadline = sandbox.engine.now + Math.ceil(this.#millis * 1000 / pace.rate)
    this.#state = "waiting"
    if (this.#event === undefined) this.#wait()
    return this
  }

  #wait(): void {
    const { alarms, sandbox } = this.#place
    if (sandbox.isOver) return
    this.#event = { place: -1, run: () => this.#elapse() }
    alarms.schedule(this.#event, this.#deadline)
  }

  #takeBack(): void {
    if (this.#event !== undefined) this.#place.alarms.cancel(this.#event)
    this.#event = undefined
  }

  #elapse(): void {
    this.#takeBack()
    if (this.#place.sandbox.engine.now < this.#deadline) return this.#wait()
    this.#state = "due"
    due(this.#place, () => {
      if (this.#state !== "due") return
      if (this.#repeats) this.refresh()
      else this.#state = "closed"
      this.#callback()
    })
  }

  close(): this {
    this.#takeBack()
    this.#state = "closed"
    if (this.#number !== undefined) this.#place.sandbox.timers.delete(this.#number)
    return this
  }

  // A run does not wait for timers: it ends when its program does.
  ref(): this {
    this.#isRef = true
    return this
  }

  unref(): this {
    this.#isRef = false
    return this
  }

  hasRef(): boolean {
    return this.#isRef
  }

  [Symbol.toPrimitive](): number {
    const { sandbox } = this.#place
    this.#number ??= --sandbox.lastTimer
    sandbox.timers.set(this.#number, this)
    return this.#number
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** What `setImmediate` returns. */
class VirtualImmediate {
  #callback: (() => void) | undefined
  #isRef = true

  constructor(place: Place, callback: Callback, args: ReadonlyArray<unknown>) {
    this.#callback = bound(() => callback(...args))
    if (!place.sandbox.isOver) due(place, () => this.#callback?.())
  }

  close(): void {
    this.#callback = undefined
  }

  ref(): this {
    this.#isRef = true
    return this
  }

  unref(): this {
    this.#isRef = false
    return this
  }

  hasRef(): boolean {
    return this.#isRef
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

type SetTimer = (callback: Callback, millis?: unknown, ...args: ReadonlyArray<unknown>) => unknown

const setting = (name: string, repeats: boolean) => (original: SetTimer) =>
  like(original, (callback: Callback, millis?: unknown, ...args: ReadonlyArray<unknown>) => {
    const place = current()
    if (place === undefined || typeof callback !== "function") return original(callback, millis, ...args)
    place.sandbox.note(name)
    return place.sandbox.awaits
      ? new VirtualTimer(place, callback, millis, args, repeats)
      : original(callback, millis, ...args)
  })

const clearing = (original: (timer: unknown) => void) => (timer: unknown) => {
  if (timer instanceof VirtualTimer || timer instanceof VirtualImmediate) return void timer.close()
  const known = current()?.sandbox.timers.get(Number(timer))
  if (known !== undefined) known.close()
  else original(timer)
}

const replaceIn = (replace: Replace, target: object | undefined) => {
  replace(target, "setTimeout", setting("setTimeout", false))
  replace(target, "setInterval", setting("setInterval", true))
  replace(
    target,
    "setImmediate",
    (original: SetTimer) =>
      like(original, (callback: Callback, ...args: ReadonlyArray<unknown>) => {
        const place = current()
        if (place === undefined || typeof callback !== "function") return original(callback, ...args)
        place.sandbox.note("setImmediate")
        return place.sandbox.awaits ? new VirtualImmediate(place, callback, args) : original(callback, ...args)
      })
  )
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) replace(target, name, clearing)
}

/** Timers: in virtual time, for code that runs in a simulation. */
export const replaceTimers = (replace: Replace): void => replaceIn(replace, globalThis)

/** The timers of `node:timers`. */
export const replaceNodeTimers = (replace: Replace): void =>
  replaceIn(replace, builtin("node:timers") as object | undefined)
