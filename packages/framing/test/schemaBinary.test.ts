import { assert, describe, it } from "@effect/vitest"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Framing from "../src/Framing.ts"
import { schemaBinary } from "../src/FramingSchemaBinary.ts"

const framings = {
  "a string": [Framing.raw.pipe(schemaBinary(Schema.String)), (text: string) => text],
  "a string in a struct": [
    Framing.raw.pipe(schemaBinary(Schema.Struct({ text: Schema.String }))),
    (text: string) => ({ text })
  ],
  "a string behind others": [
    Framing.raw.pipe(schemaBinary(Schema.Array(Schema.String))),
    (text: string) => ["ﻯ", "é", text]
  ]
} as Record<string, readonly [Framing.Framing<unknown>, (text: string) => unknown]>

describe.each(Object.entries(framings))("F2: %s in binary", (_, [framing, make]) => {
  it.each(["", "abc", "héllo €🐚", "\ufffd", "a\ufffdb", "ﻯ\ufffd", "\uefbf\ufffe", "\u{10000}\u{10ffff}"])(
    "comes back: %j",
    (text) => {
      const { decode, encode } = Framing.datagram(framing)
      assert.deepStrictEqual(decode(Result.getOrThrow(encode(make(text)))), Result.succeed(make(text)))
    }
  )

  it.each(["\ud800", "a\udc00", "\udc00\ud800", "ﻯ\ud800", "\ufffd\ud800"])(
    "is refused, because it would not: %j",
    (text) => {
      const refused = Framing.encodeAll(framing, [make(text)])
      assert(Result.isFailure(refused))
      assert.include(refused.failure.message, "lone surrogate")
    }
  )

  it("is corrupt when it is cut", () => {
    const bytes = Bytes.concat(Result.getOrThrow(Framing.encodeAll(framing, [make("abc")])))
    if (typeof make("") === "string") return
    assert.isTrue(Result.isFailure(Framing.datagram(framing).decode(bytes.slice(0, -1))))
  })
})
