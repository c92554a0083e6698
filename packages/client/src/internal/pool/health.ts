/** When an endpoint is avoided, and for how long; times in milliseconds. */
export interface Ejection {
  /** After this many failures in a row. */
  readonly after: number
  /** The duration of the first ejection. It doubles with each ejection in a row. */
  readonly atFirst: number
  readonly atMost: number
}

/**
 * Whether an endpoint works. After some failures in a row it is ejected for a while, and then on probation: one failure
 * ejects it again, and one success clears it.
 */
export class Health {
  readonly #ejection: Ejection
  readonly #now: () => number
  #failures = 0
  #ejections = 0
  #until: number | undefined = undefined
  /** The number of ejections since the client started. */
  ejected = 0

  constructor(ejection: Ejection, now: () => number) {
    this.#ejection = ejection
    this.#now = now
  }

  get failures(): number {
    return this.#failures
  }

  get state(): "healthy" | "ejected" | "probation" {
    if (this.#until === undefined) return "healthy"
    return this.#now() < this.#until ? "ejected" : "probation"
  }

  succeed(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    this.#ejections = 0
    this.#until = undefined
  }

  /** A failure while ejected does not eject again: the request was sent before, or no other endpoint worked. */
  fail(): void {
    const { state } = this
    this.#failures++
    if (state === "ejected" || this.#failures < this.#ejection.after) return
    const { atFirst, atMost } = this.#ejection
    this.#until = this.#now() + Math.min(atMost, atFirst * 2 ** this.#ejections)
    this.#ejections++
    this.ejected++
  }
}
