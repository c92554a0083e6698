import * as Result from "effect/Result"
import type { CodecValue } from "../machine/codec.ts"
import { Random } from "../machine/random.ts"
import { encodeWhole } from "./framing.ts"

export interface SampleOptions {
  readonly seed: number
  readonly count: number
  readonly size: number
}

/** How often to try for a value that can be encoded. */
const attempts = 1000

/** Values that can be encoded. */
export const sample = <A>(codec: CodecValue<A>, { count, seed, size }: SampleOptions): ReadonlyArray<A> => {
  const random = new Random(seed, size)
  const values: Array<A> = []
  for (let i = 0; i < attempts + count && values.length < count; i++) {
    random.depth = 0
    random.scope = undefined
    const value = codec.sample(random)
    if (Result.isSuccess(encodeWhole(codec, value))) values.push(value)
  }
  return values
}

/** Bytes with some of them changed, lost, doubled, moved or cut off. */
export const damage = (bytes: Uint8Array, seed: number): Uint8Array => {
  const random = new Random(seed, 0)
  let damaged = bytes.slice()
  for (let faults = 1 + random.below(3); faults > 0 && damaged.length > 0; faults--) {
    const at = random.below(damaged.length)
    const kept = Array.from(damaged)
    switch (random.below(6)) {
      case 0:
        damaged[at] = random.below(256)
        continue
      case 1:
        damaged[at]! ^= 1 << random.below(8)
        continue
      case 2:
        kept.splice(at, 1 + random.below(4))
        break
      case 3:
        kept.splice(at, 0, ...random.bytes(1 + random.below(4)))
        break
      case 4:
        kept.splice(at, 0, ...kept.slice(0, random.below(at + 1)))
        break
      default:
        kept.length = at
    }
    damaged = Uint8Array.from(kept)
  }
  return damaged
}
