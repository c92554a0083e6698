import { argumentError } from "./nodeError.ts"

// setTimeout(3) of Node: a longer one would fire at once.
const longest = 2 ** 31 - 1

/** The timer behind `setTimeout` of a socket. Like Node's, it does not keep the process running. */
export class InactivityTimer {
  readonly #onTimeout: () => void
  #timer: NodeJS.Timeout | undefined = undefined

  constructor(onTimeout: () => void) {
    this.#onTimeout = onTimeout
  }

  /** Starts with a new time in milliseconds; 0 stops it. Throws as Node does for an invalid time. */
  set(milliseconds: number): void {
    if (typeof milliseconds !== "number") throw argumentError(TypeError, "ERR_INVALID_ARG_TYPE", "msecs", milliseconds)
    if (!(milliseconds >= 0 && milliseconds < Infinity)) {
      throw argumentError(RangeError, "ERR_OUT_OF_RANGE", "msecs", milliseconds)
    }
    this.stop()
    if (milliseconds > 0) this.#timer = setTimeout(this.#onTimeout, Math.min(milliseconds, longest)).unref()
  }

  /** Starts it again, if it has a time. */
  refresh(): void {
    this.#timer?.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
