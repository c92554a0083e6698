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

interface Installed {
  users: number
  readonly undo: Array<() => void>
}

interface Replacement {
  readonly original: unknown
  readonly replacement: unknown
}

// Those of the properties of an object, which are made once: each run replaces the same functions.
const replacements = new WeakMap<object, Map<string, Replacement>>()

/** The result of `make`, once for each value of a property. */
const replacementOf = (
  target: object,
  name: string,
  original: unknown,
  make: (original: never) => unknown
): unknown => {
  let ofTarget = replacements.get(target)
  if (ofTarget === undefined) replacements.set(target, ofTarget = new Map())
  const known = ofTarget.get(name)
  if (known !== undefined && known.original === original) return known.replacement
  const replacement = make(original as never)
  ofTarget.set(name, { original, replacement })
  return replacement
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
    const undo: Array<() => void> = []
    installed = { users: 0, undo }
    shared.patches.set(name, installed)
    apply((target, name, make, how) => {
      if (target === undefined) return
      const value = (target as Record<string, unknown>)[name]
      if (value === undefined) return
      const before = Object.getOwnPropertyDescriptor(target, name)
      if (before?.configurable === false) return
      const replacement = replacementOf(target, name, value, make)
      const enumerable = before?.enumerable ?? false
      const get = how === "computed" ? replacement as () => unknown : () => replacement
      Object.defineProperty(
        target,
        name,
        how === undefined
          ? { configurable: true, writable: true, enumerable, value: replacement }
          : { configurable: true, enumerable, get, set: () => {} }
      )
      undo.push(() => {
        // Other code may have replaced it in the meantime.
        const now = Object.getOwnPropertyDescriptor(target, name)
        if (how === undefined ? now?.value !== replacement : now?.get !== get) return
        if (before === undefined) Reflect.deleteProperty(target, name)
        else Object.defineProperty(target, name, before)
      })
    })
  }
  installed.users++
  const { undo } = installed
  let isInstalled = true
  return () => {
    if (!isInstalled) return
    isInstalled = false
    if (--installed.users > 0) return
    shared.patches.delete(name)
    for (const each of undo.reverse()) each()
  }
}
