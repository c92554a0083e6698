import * as Codec from "@sluice/codec/Codec"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Framing from "@sluice/framing/Framing"
import * as Bytes from "effect/Bytes"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { catalogue } from "./catalogue.ts"

const maxFrameLength = 4096

describe.each(catalogue)("$name", ({ codec }) => {
  const framing = Codec.framing<unknown>(codec, { maxFrameLength })

  it("is valid", () => {
    expect(framing.invalid?.message).toBe(undefined)
  })

  it("keeps the laws of framings", () => {
    for (let seed = 1; seed <= 2; seed++) {
      const frames = Codec.sample<unknown>(codec, { seed, count: 3, size: 6 })
      expect(frames).toHaveLength(3)
      const hostile = frames.map((frame, i) => Codec.damage(bytesOf(codec, frame), seed * 100 + i))
      const result = FramingLaws.all(framing, { frames, hostile, maxBuffered: maxFrameLength, randomSplits: 4 })
      if (Result.isFailure(result)) throw result.failure
    }
  })

  it("decodes a value alone as in a stream", () => {
    for (const frame of Codec.sample<unknown>(codec, { seed: 9, count: 20 })) {
      const bytes = bytesOf(codec, frame)
      expect(Result.getOrThrow(Codec.decode<unknown>(codec, bytes))).toEqual(frame)
      expect(Result.getOrThrow(Framing.decodeAll(framing, [bytes]))).toEqual([frame])
    }
  })

  it("refuses damaged bytes with a typed error, or reads another value that it would write", () => {
    for (const [i, frame] of Codec.sample<unknown>(codec, { seed: 7, count: 100 }).entries()) {
      const first = Codec.decode<unknown>(codec, Codec.damage(bytesOf(codec, frame), i))
      const again = Result.flatMap(first, (value) => Codec.decode<unknown>(codec, bytesOf(codec, value)))
      expect(again).toEqual(first)
      expect(Result.getFailure(first).pipe(Option.match({ onNone: () => "FramingError", onSome: ({ _tag }) => _tag })))
        .toBe("FramingError")
    }
  })
})

const bytesOf = (codec: Codec.Codec<unknown>, value: unknown): Uint8Array =>
  Bytes.concat([Result.getOrThrow(Codec.encode(codec, value))])
