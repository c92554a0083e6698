import { assert, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as TextEncoding from "../src/TextEncoding.ts"

it("text becomes bytes and back, and what an encoding cannot express is none", () => {
  const expected = [
    ["utf-8", "é€", [0xc3, 0xa9, 0xe2, 0x82, 0xac]],
    ["latin1", "é", [0xe9]],
    ["ascii", "e", [0x65]]
  ] as const
  for (const [encoding, text, bytes] of expected) {
    assert.deepStrictEqual(
      Option.map(TextEncoding.encode(encoding, text), (each) => [...each]),
      Option.some([...bytes])
    )
    assert.deepStrictEqual(TextEncoding.decode(encoding, Uint8Array.from(bytes)), Option.some(text))
  }
  assert.deepStrictEqual(TextEncoding.encode("latin1", "€"), Option.none())
  assert.deepStrictEqual(TextEncoding.encode("utf-8", "\ud800"), Option.none())
  assert.deepStrictEqual(TextEncoding.decode("ascii", Uint8Array.of(0xe9)), Option.none())
  assert.deepStrictEqual(TextEncoding.decode("utf-8", Uint8Array.of(0xff)), Option.none())
  assert.throws(() => TextEncoding.encode("ebcdic" as TextEncoding.TextEncoding, ""), "encoding is \"ebcdic\"")
})
