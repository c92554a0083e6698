import type * as Net from "node:net"
import { devNull } from "node:os"
import { shortage } from "./descriptors.ts"
import { builtins } from "./facade/builtins.ts"
import { handleOf } from "./facade/socketHandle.ts"

/**
 * How many descriptors this process may open (RLIMIT_NOFILE, getrlimit(2)), where /proc tells: on Linux. Node raises the
 * soft limit to the hard one when it starts.
 */
export const descriptorLimit = (): number | undefined => {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(builtins.fs.readFileSync("/proc/self/limits", "latin1"))?.[1]
    return limit === undefined ? undefined : Number(limit)
  } catch {
    return undefined
  }
}

/** A listener that wants to know when connections cannot be accepted. */
export interface Guarded {
  readonly onShortage: (error: Error) => void
}

// Milliseconds between two looks at the table.
const pause = 1000
// Below this share of the limit, accepting does not look at the table.
const near = 0.9

/**
 * Makes connections visible that come while the process is out of descriptors. Without a free descriptor libuv accepts with
 * one that it keeps in reserve and closes at once, and reports nothing. So one descriptor is always left free for the next
 * accept: the connection that takes the last one is closed here and reported. A spare is kept for the case that files take
 * the last one.
 */
class DescriptorGuard {
  readonly #listeners = new Set<Guarded>()
  #threshold = 0
  #spare: number | undefined = undefined
  #timer: NodeJS.Timeout | undefined = undefined

  add(listener: Guarded): void {
    this.#listeners.add(listener)
    if (this.#timer !== undefined) return
    this.#threshold = near * (descriptorLimit() ?? Infinity)
    this.#takeSpare()
    this.#timer = setInterval(() => this.#look(), pause).unref()
  }

  remove(listener: Guarded): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#dropSpare()
  }

  /** The error that keeps a connection from being accepted, if there is no descriptor for the one after it. */
  refusal(socket: Net.Socket): Error | undefined {
    if (this.#spare !== undefined && (handleOf(socket)?.fd ?? 0) < this.#threshold) return undefined
    this.#takeSpare()
    return shortage(1)
  }

  #look(): void {
    const error = shortage(1)
    if (error === undefined) return this.#takeSpare()
    this.#dropSpare()
    for (const { onShortage } of this.#listeners) onShortage(error)
  }

  #takeSpare(): void {
    if (this.#spare !== undefined) return
    try {
      this.#spare = builtins.fs.openSync(devNull, "r")
    } catch {
      // The next look tries again.
    }
  }

  #dropSpare(): void {
    if (this.#spare !== undefined) builtins.fs.closeSync(this.#spare)
    this.#spare = undefined
  }
}

export const descriptorGuard = new DescriptorGuard()
