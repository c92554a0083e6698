import { assert, it } from "@effect/vitest"
import * as NetAddress from "effect/net/NetAddress"
import { interleave } from "../src/internal/network/happyEyeballs.ts"

const addresses = (count: number, address: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => NetAddress.inetAddressFromStringUnsafe(`${address(index + 1)}:7`))

it("addresses are tried once each, alternating from the family of the first, in the order of the resolver", () => {
  for (let sixes = 0; sixes <= 4; sixes++) {
    for (let fours = 0; fours <= 4; fours++) {
      const six = addresses(sixes, (index) => `[2001:db8::${index}]`)
      const four = addresses(fours, (index) => `192.0.2.${index}`)
      for (const all of [[...six, ...four], [...four, ...six]]) {
        const [first, ...rest] = all
        if (first === undefined) continue
        const tried = interleave([first, ...rest])
        assert.strictEqual(tried[0], first)
        assert.strictEqual(tried.length, all.length)
        for (const family of [six, four]) {
          assert.deepStrictEqual(tried.filter(({ _tag }) => family[0]?._tag === _tag), family)
        }
        // As long as there are some of both, no two of one family follow each other.
        for (let index = 1; index < 2 * Math.min(sixes, fours); index++) {
          assert.notStrictEqual(tried[index]!._tag, tried[index - 1]!._tag)
        }
      }
    }
  }
})
