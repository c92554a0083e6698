import { shared } from "./place.ts"

/**
 * Replaces a property by what `make` makes of its value. What the platform does not have is left alone. What is
 * `pinned` stays when something else is assigned; what is `computed` is a function that gives the value.
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

/**
 * Replaces things of the platform by functions that do what they did, except for code that runs in a simulation. They are
 * replaced once, however many runs there are, until the one that is returned is called as often as this.
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
      const replacement = make(value as never)
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
        // Other code may have replaced it since.
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
