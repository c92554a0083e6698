import { initialTimeout, type TcpSettings } from "../settings.ts"

/** How long an answer takes, and how long to wait for it (RFC 6298). Microseconds. */
export class RoundTrip {
  readonly #settings: TcpSettings
  #smoothed: number | undefined = undefined
  #variation = 0
  #base = initialTimeout
  #backoff = 0
  /** The shortest that was ever measured. */
  least = Infinity

  constructor(settings: TcpSettings) {
    this.#settings = settings
  }

  measure(time: number): void {
    this.least = Math.min(this.least, time)
    if (this.#smoothed === undefined) {
      this.#smoothed = time
      this.#variation = time / 2
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - time)
      this.#smoothed = 0.875 * this.#smoothed + 0.125 * time
    }
    // The variation alone is what the least is for: Linux does it so, and a link without jitter shows why.
    this.#base = this.#smoothed + Math.max(this.#settings.minimumTimeout, 4 * this.#variation)
    this.#backoff = 0
  }

  /** The retransmission timeout. */
  get timeout(): number {
    return Math.round(Math.min(this.#settings.maximumTimeout, this.#base * 2 ** this.#backoff))
  }

  /** Twice as long from now on. */
  backOff(): void {
    this.#backoff = Math.min(this.#backoff + 1, 30)
  }

  /** Something has come through again. */
  recover(): void {
    this.#backoff = 0
  }
}
