import { argumentError } from "./nodeError.ts"

// A longer timer of Node would fire at once.
const longest = 2 ** 31 - 1

/** The timer behind `setTimeout` of a socket. Like Node's, it does not keep the process running. */
export class InactivityTimer {
  readonly #onTimeout: () => void
  // Kept when the timeout is cleared: node:http sets and clears the same timeout with every request.
  #timer: NodeJS.Timeout | undefined = undefined
  #milliseconds = 0
  #isActive = false

  constructor(onTimeout: () => void) {
    this.#onTimeout = () => {
      if (this.#isActive) onTimeout()
    }
  }

  /** Starts the timer with a new time in milliseconds; 0 stops it. Throws as Node does if the time is invalid. */
  set(milliseconds: number): void {
    if (typeof milliseconds !== "number") throw argumentError(TypeError, "ERR_INVALID_ARG_TYPE", "msecs", milliseconds)
    if (!(milliseconds >= 0 && milliseconds < Infinity)) {
      throw argumentError(RangeError, "ERR_OUT_OF_RANGE", "msecs", milliseconds)
    }
    this.#isActive = milliseconds > 0
    if (milliseconds === 0) return
    if (this.#timer !== undefined && milliseconds === this.#milliseconds) this.#timer.refresh()
    else {
      this.stop()
      this.#timer = setTimeout(this.#onTimeout, Math.min(milliseconds, longest)).unref()
      this.#milliseconds = milliseconds
    }
    this.#isActive = true
  }

  /** Restarts the timer, if it has a time. */
  refresh(): void {
    if (this.#isActive) this.#timer!.refresh()
  }

  stop(): void {
    this.#isActive = false
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
