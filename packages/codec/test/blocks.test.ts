import * as Codec from "@sluice/codec/Codec"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import { expect, it } from "vitest"

type Block = Codec.Codec<Uint8Array | undefined>

const line = Codec.enclosed(Codec.decimal(), { before: "$", after: "\r\n" })

// What arrays of these write in one pass, and what they leave to the codec itself.
const blocks: Readonly<Record<string, Block>> = {
  int32: Codec.lengthPrefixed(Codec.int32be, Codec.bytes(), { absent: -1 }),
  uint32: Codec.lengthPrefixed(Codec.uint32be, Codec.bytes(), { absent: 0xffffffff }),
  "uint32 with add": Codec.lengthPrefixed(Codec.uint32be, Codec.bytes(), { add: 4 }) as Block,
  "int32 counting one more": Codec.lengthPrefixed(Codec.int32be, Codec.bytes(), { add: 1, absent: 0 }),
  "int32 counting less": Codec.lengthPrefixed(Codec.int32be, Codec.bytes(), { add: -2, absent: -1 }),
  uint16: Codec.lengthPrefixed(Codec.uint16be, Codec.bytes(), { absent: 0xffff }),
  "uint16 counting less": Codec.lengthPrefixed(Codec.uint16be, Codec.bytes(), { add: -2 }) as Block,
  uint8: Codec.lengthPrefixed(Codec.uint8, Codec.bytes(), { absent: 255 }),
  "uint8 with add": Codec.lengthPrefixed(Codec.uint8, Codec.bytes(), { add: 250 }) as Block,
  varint: Codec.lengthPrefixed(Codec.varint(), Codec.bytes()) as Block,
  line: Codec.enclosed(Codec.lengthPrefixed(line, Codec.bytes()), { after: "\r\n" }) as Block,
  limited: Codec.lengthPrefixed(Codec.uint16be, Codec.bytes(), { limit: 20 }) as Block
}

const lengths = [0, 1, 2, 5, 6, 16, 17, 24, 127, 128, 255, 256, 2047, 2048, 5000, 16_383, 16_384, 70_000]

const isWritten = (codec: Block, value: Uint8Array | undefined): boolean => Result.isSuccess(Codec.encode(codec, value))

const valueOf = (length: number, i: number): Uint8Array => {
  const bytes = Uint8Array.from({ length }, (_, k) => i + k)
  return i % 2 === 0 ? bytes : Buffer.from(bytes)
}

it("a length that says that nothing comes is refused", () => {
  const error = (codec: Block, length: number) =>
    String(Result.getOrThrow(Result.flip(Codec.encode(codec, new Uint8Array(length)))))
  expect(error(blocks["uint8"]!, 255)).toContain(
    "its length of 255 bytes is written as 255, which says that nothing comes"
  )
  expect(error(blocks["int32 counting less"]!, 1)).toContain("its length of 1 byte is written as -1")
  const text = Codec.lengthPrefixed(Codec.uint8, Codec.text(), { absent: 2 })
  expect(String(Result.getOrThrow(Result.flip(Codec.encode(text, "é"))))).toContain("its length of 2 bytes")
  expect(String(Result.getOrThrow(Result.flip(Codec.encode(text, "ab"))))).toContain("its length of 2 bytes")
  expect(Result.getOrThrow(Codec.encode(text, "abc"))).toEqual(Uint8Array.of(3, 97, 98, 99))
})

for (const [name, block] of Object.entries(blocks)) {
  const values = [undefined, ...lengths.map(valueOf)]
  const some = values.filter((value) => isWritten(block, value))
  const array = Codec.repeat(block)

  it(`arrays of blocks are those of their elements: ${name}`, () => {
    // From each on, so that what is left to the codec stands first, between others and last.
    for (let from = 0; from < some.length; from++) {
      const turned = [...some.slice(from), undefined, ...some.slice(0, from)].filter((value) => isWritten(block, value))
      const apart = turned.map((value) => Result.getOrThrow(Codec.encode(block, value)))
      const bytes = Result.getOrThrow(Codec.encode(array, turned))
      expect(Buffer.compare(bytes, Bytes.concat(apart))).toBe(0)
      expect(Result.getOrThrow(Codec.decode(array, bytes)).map((value) => value?.length)).toEqual(
        turned.map((value) => value?.length)
      )
    }
  })

  it(`arrays of blocks name the element that cannot be written: ${name}`, () => {
    for (const value of values.filter((value) => !isWritten(block, value))) {
      expect(Result.isFailure(Codec.encode(array, [some[0], value, some[0]]))).toBe(true)
      expect(String(Result.getOrThrow(Result.flip(Codec.encode(array, [some[0], value]))))).toContain("[1]: ")
    }
    expect(String(Result.getOrThrow(Result.flip(Codec.encode(array, [some[0], "text" as never]))))).toContain("[1]: ")
  })
}
