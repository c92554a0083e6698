import type * as Random from "effect/Random"

/**
 * Repeats a run: the same seed gives the same draws.
 *
 * @since 0.1.0
 * @category models
 */
export type Seed = number | string

/**
 * One stream of random numbers (sfc32, Chris Doty-Humphrey's small fast counting generator).
 *
 * Every concern draws from a stream of its own, named after it, so that turning one fault on leaves the draws of all
 * others as they were.
 */
export class RandomStream {
  #seed: Seed
  #concern: string
  #hasBegun = false
  #a = 0
  #b = 0
  #c = 0
  #counter = 1

  constructor(seed: Seed, concern: string) {
    this.#seed = seed
    this.#concern = concern
  }

  /** Becomes the stream of another seed. */
  restart(seed: Seed, concern: string): void {
    this.#seed = seed
    this.#concern = concern
    this.#hasBegun = false
  }

  // With the first draw, as most runs draw from few of their streams.
  #begin(): void {
    this.#hasBegun = true
    const text = `${typeof this.#seed}:${this.#seed}/${this.#concern}`
    this.#a = hash(text, 0x9e3779b9)
    this.#b = hash(text, 0x243f6a88)
    this.#c = hash(text, 0xb7e15162)
    this.#counter = 1
    for (let round = 0; round < 12; round++) this.bits()
  }

  /** 32 random bits, as a whole number from 0. */
  bits(): number {
    if (!this.#hasBegun) this.#begin()
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0
    return sum >>> 0
  }

  /** From 0 up to, and without, 1. */
  readonly next = (): number => this.bits() / 4294967296

  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** Whether something happens that does so with this probability. */
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability
  }
}

/** The stream as Effect's random numbers. */
export const randomService = (stream: RandomStream): typeof Random.Random["Service"] => ({
  nextDoubleUnsafe: () => (stream.bits() * 2 ** 21 + (stream.bits() >>> 11)) / 2 ** 53,
  nextIntUnsafe: () => (stream.bits() >>> 10) * 2 ** 32 + stream.bits() - 2 ** 53 / 2
})

// FNV-1a, and the finisher of MurmurHash3 so that texts that differ in one character differ in all bits.
const hash = (text: string, basis: number): number => {
  let h = basis | 0
  for (let index = 0; index < text.length; index++) h = Math.imul(h ^ text.charCodeAt(index), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
