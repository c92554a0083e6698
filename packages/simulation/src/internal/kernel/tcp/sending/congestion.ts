/** How much may be in flight, so that the network is not flooded (RFC 5681). Bytes. */
export class Congestion {
  window: number
  #threshold = Infinity
  // Losses among what was sent before this are of one and the same flood.
  #recoveringUntil = -1

  constructor(segment: number) {
    this.window = 10 * segment
  }

  acknowledged(bytes: number, until: number, segment: number, isFull: boolean): void {
    if (until < this.#recoveringUntil || !isFull) return
    this.window += this.window < this.#threshold ? bytes : Math.max(1, segment * bytes / this.window)
  }

  lost(underWay: number, next: number, first: number, segment: number): void {
    if (first < this.#recoveringUntil) return
    this.#recoveringUntil = next
    this.#threshold = Math.max(underWay / 2, 2 * segment)
    this.window = this.#threshold
  }

  timedOut(underWay: number, next: number, segment: number): void {
    this.#threshold = Math.max(underWay / 2, 2 * segment)
    this.window = segment
    this.#recoveringUntil = next
  }
}
