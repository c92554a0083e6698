import * as Codec from "@sluice/codec/Codec"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Framing from "@sluice/framing/Framing"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { formats } from "./formats.ts"

describe.each(formats)("$name", ({ bytes, codec, frames: count, isRewritten = false }) => {
  const framing = Codec.framing<unknown>(codec)
  const captured = FramingLaws.decodeChunks(framing, [bytes.slice()])

  it("decodes what another program sent", () => {
    expect(framing.invalid?.message).toBe(undefined)
    expect(captured.error).toBe(undefined)
    expect(captured.frames).toHaveLength(count)
  })

  it.skipIf(isRewritten)("encodes the frames as they came", () => {
    expect(encodeAll(framing, captured.frames)).toEqual(Uint8Array.from(bytes))
  })

  it("keeps the laws of framings", () => {
    const frames = [...captured.frames.slice(0, 2), ...Codec.sample<unknown>(codec, { count: 3, size: 4 })]
    const options = { exhaustiveLength: 8, randomSplits: 3 }
    const maxBuffered = 1024 * 1024
    const input = encodeAll(framing, frames)
    const inputs = [bytes.slice(0, 600), input, ...Array.from({ length: 40 }, (_, seed) => Codec.damage(input, seed))]
    const results = [
      FramingLaws.roundTrip(framing, frames),
      ...(input.length < 2000 ? [FramingLaws.truncation(framing, frames)] : []),
      ...inputs.flatMap((each) => [
        FramingLaws.splits(framing, each, options),
        FramingLaws.echo(framing, each),
        FramingLaws.memory(framing, each, maxBuffered),
        FramingLaws.delivery(framing, frames, each)
      ])
    ]
    expect(results.filter(Result.isFailure)).toEqual([])
  })

  it("makes samples, and a table of its fields", () => {
    expect(Codec.sample<unknown>(codec, { count: 20, size: 6 })).toHaveLength(20)
    expect(Codec.toMarkdown(codec).split("\n").length).toBeGreaterThan(3)
  })
})

const encodeAll = (framing: Framing.Framing<unknown>, frames: ReadonlyArray<unknown>): Uint8Array =>
  Uint8Array.from(Bytes.concat(Result.getOrThrow(Framing.encodeAll(framing, frames))))
