import { shared } from "./place.ts"

export type AnyFunction = (this: unknown, ...args: Array<unknown>) => unknown

/**
 * Replaces a property by the result of `make`, which gets its value. A property that the platform lacks is left alone. A
 * `pinned` property ignores assignments; for a `computed` one, `make` returns its getter.
 */
export type Replace = (
  target: object | undefined,
  name: string,
  make: (original: never) => unknown,
  how?: "pinned" | "computed"
) => void

/** A property of the platform, and its replacement. */
class Patch {
  readonly #target: Record<string, unknown>
  readonly #name: string
  readonly #original: unknown
  readonly #before: PropertyDescriptor | undefined
  readonly #now: PropertyDescriptor

  constructor(
    target: object,
    name: string,
    original: unknown,
    before: PropertyDescriptor | undefined,
    replacement: unknown,
    how?: "pinned" | "computed"
  ) {
    this.#target = target as Record<string, unknown>
    this.#name = name
    this.#original = original
    this.#before = before
    const enumerable = before?.enumerable ?? false
    const get = how === "computed" ? replacement as () => unknown : () => replacement
    this.#now = how === undefined
      ? { configurable: true, writable: true, enumerable, value: replacement }
      : { configurable: true, enumerable, get, set: () => {} }
  }

  /** Whether it replaces this property, which is as it was when the replacement was made. */
  fits(target: object, name: string, original: unknown, before: PropertyDescriptor | undefined): boolean {
    return this.#target === target && this.#name === name && this.#original === original &&
      this.#before?.writable === before?.writable && this.#before?.get === before?.get
  }

  // Assigning takes a fraction of the time that defining does.
  get #isAssigned(): boolean {
    return this.#before?.writable === true && this.#now.writable === true
  }

  apply(): void {
    if (this.#isAssigned) this.#target[this.#name] = this.#now.value
    else Object.defineProperty(this.#target, this.#name, this.#now)
  }

  /** Brings the original back, unless other code has replaced the property in the meantime. */
  undo(): void {
    if (this.#isAssigned) {
      if (this.#target[this.#name] !== this.#now.value || Reflect.set(this.#target, this.#name, this.#original)) return
    }
    const now = Object.getOwnPropertyDescriptor(this.#target, this.#name)
    if (now?.value !== this.#now.value || now?.get !== this.#now.get) return
    if (this.#before === undefined) Reflect.deleteProperty(this.#target, this.#name)
    else Reflect.defineProperty(this.#target, this.#name, this.#before)
  }
}

interface Installed {
  users: number
  readonly patches: ReadonlyArray<Patch>
}

// The patches that were installed last, by name: each run replaces the same functions.
const known = new Map<string, ReadonlyArray<Patch>>()

const applied = (name: string, apply: (replace: Replace) => void): ReadonlyArray<Patch> => {
  const last = known.get(name)
  const patches: Array<Patch> = []
  known.set(name, patches)
  apply((target, name, make, how) => {
    if (target === undefined) return
    const value = (target as Record<string, unknown>)[name]
    if (value === undefined) return
    const before = Object.getOwnPropertyDescriptor(target, name)
    if (before?.configurable === false) return
    const same = last?.[patches.length]
    const patch = same?.fits(target, name, value, before) === true
      ? same
      : new Patch(target, name, value, before, make(value as never), how)
    patch.apply()
    patches.push(patch)
  })
  return patches
}

/** Gives a replacement the name of the original, and its other own properties, such as `fs.realpath.native`. */
export const like = <F extends object>(original: object, replacement: F): F => {
  for (const key of Reflect.ownKeys(original)) {
    const property = Object.getOwnPropertyDescriptor(original, key)!
    if (Object.getOwnPropertyDescriptor(replacement, key)?.configurable !== false) {
      Object.defineProperty(replacement, key, property)
    }
  }
  return replacement
}

/**
 * Replaces functions of the platform. For code outside of simulations, the replacements do the same. All runs share them:
 * the originals return when each caller of `install` has called the function that it returned.
 */
export const install = (name: string, apply: (replace: Replace) => void): () => void => {
  let installed = shared.patches.get(name) as Installed | undefined
  if (installed === undefined) {
    installed = { users: 0, patches: applied(name, apply) }
    shared.patches.set(name, installed)
  }
  installed.users++
  const { patches } = installed
  let isInstalled = true
  return () => {
    if (!isInstalled) return
    isInstalled = false
    if (--installed.users > 0) return
    shared.patches.delete(name)
    for (const patch of patches.toReversed()) patch.undo()
  }
}
