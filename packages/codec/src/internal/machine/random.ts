/** Numbers that a seed decides, for values and damage that can be had again. */
export class Random {
  #state: number
  /** About how many elements or bytes the parts of a value have at most. */
  readonly size: number
  /** How deep lazy codecs are nested. */
  depth = 0
  /** The fields of the innermost struct so far, where a condition asks for them. */
  scope: Readonly<Record<string, unknown>> | undefined = undefined

  constructor(seed: number, size: number) {
    this.#state = seed | 0
    this.size = size
  }

  /** A number from 0 up to but not including 1: mulberry32, by Tommy Ettinger. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number from 0 up to but not including `n`. */
  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  boolean(): boolean {
    return this.next() < 0.5
  }

  /** A whole number in a range, its ends and small numbers more often than others. */
  between(least: number, most: number): number {
    switch (this.below(4)) {
      case 0:
        return least
      case 1:
        return most
      case 2:
        return Math.min(most, least + this.below(16))
      default:
        return least + Math.floor(this.next() * (most - least + 1))
    }
  }

  bytes(n: number): Uint8Array {
    return Uint8Array.from({ length: n }, () => this.below(256))
  }

  /** How long a part is. */
  length(least = 0, most = Infinity): number {
    return Math.max(least, Math.min(most, this.below(this.size + 1)))
  }
}
