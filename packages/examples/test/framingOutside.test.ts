/** `limit`, `recover` and `union` written outside of core, on the public surface alone: what the catalog does, any program can. */
import { assert, describe, it } from "@effect/vitest"
import * as FramingLaws from "@sluice/conformance/FramingLaws"
import * as Framing from "@sluice/framing/Framing"
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"

const limit = <Out, In>(framing: Framing.Framing<Out, In>, maxLength: number): Framing.Framing<Out, In> =>
  Framing.make<Out, In>({
    makeDecode: () => {
      const decode = framing.makeDecode()
      return (input) => input.within(maxLength, decode)
    },
    encode: (frame, output) => {
      framing.encode(frame, output)
      if (output.error === undefined && output.length > maxLength) output.tooLong(maxLength, output.length)
    }
  })

const recover = <Out, In>(
  framing: Framing.Framing<Out, In>
): Framing.Framing<Out, Result.Result<In, Framing.FramingError>> =>
  Framing.make<Out, Result.Result<In, Framing.FramingError>>({
    makeDecode: () => {
      const decode = framing.makeDecode()
      return (input) => {
        const frame = decode(input)
        if (frame !== Framing.noFrame) return Result.succeed(frame)
        const { error } = input
        if (error === undefined || !input.recoverable) return Framing.noFrame
        input.recover()
        return Result.fail(error)
      }
    },
    encode: framing.encode
  })

/** Two framings of the same frames, of which the first byte chooses. */
const union = <A>(
  framings: readonly [Framing.Framing<A>, Framing.Framing<A>],
  choose: (first: number) => 0 | 1
): Framing.Framing<readonly [0 | 1, A]> =>
  Framing.make<readonly [0 | 1, A]>({
    makeDecode: () => {
      const decoders = framings.map((framing) => framing.makeDecode())
      let chosen: 0 | 1 | undefined
      let isOver = false
      return (input) => {
        if (isOver && !input.dropping) chosen = undefined
        if (chosen === undefined) {
          chosen = choose(input.peek(1)[0]!)
          isOver = false
        }
        const frame = decoders[chosen]!(input)
        isOver ||= frame !== Framing.noFrame || input.error !== undefined
        return frame === Framing.noFrame ? Framing.noFrame : [chosen, frame] as const
      }
    },
    encode: ([which, frame], output) => {
      framings[which].encode(frame, output)
      if (output.error === undefined && choose(output.first(1)[0]!) !== which) output.corrupt("the other is chosen")
    }
  })

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A recovering framing whose good frames are encoded as they were decoded. Failures are not sent. */
const flat = <A>(framing: Framing.Framing<A, Result.Result<A, Framing.FramingError>>): Framing.Framing<A> =>
  Framing.map(framing, {
    decode: (frame) => Result.isSuccess(frame) ? frame.success : frame.failure.reason as unknown as A,
    encode: (frame: A) => frame
  })

const violation = <A>(framing: Framing.Framing<A>, examples: FramingLaws.Examples<A>): string | undefined => {
  const result = FramingLaws.all(framing, examples)
  return Result.isFailure(result) ? result.failure.message : undefined
}

describe("a combinator of one's own", () => {
  it("limit keeps the laws, also where the bad frame is skipped", () => {
    const frames = ["", "abc", "abcdefg", "abcdefgh"]
    assert.isUndefined(
      violation(limit(Framing.lines(), 8), { frames, hostile: [bytes("x".repeat(40))], maxBuffered: 9 })
    )
    assert.isUndefined(violation(flat(recover(limit(Framing.lines(), 8))), {
      frames,
      hostile: [bytes(`${"x".repeat(40)}\nok\n`)],
      maxBuffered: 9,
      oneWay: true
    }))
  })

  it("limit and recover give what those of the catalog give", () => {
    const prefixed = Framing.lengthPrefixed({ prefix: "uint8" })
    const input = Bytes.concat([Uint8Array.of(20), bytes("x".repeat(20)), Uint8Array.of(2), bytes("ok")])
    for (
      const [mine, theirs] of [
        [recover(limit(prefixed, 8)), prefixed.pipe(Framing.limit(8), Framing.recover())],
        [recover(limit(Framing.slip(), 8)), Framing.slip().pipe(Framing.limit(8), Framing.recover())]
      ] as const
    ) {
      for (const size of [1, 3, 100]) {
        const chunks = Array.from(
          { length: Math.ceil(input.length / size) },
          (_, i) => input.slice(i * size, (i + 1) * size)
        )
        const outcome = FramingLaws.decodeChunks(mine, chunks)
        assert.deepStrictEqual(outcome, FramingLaws.decodeChunks(theirs, chunks))
        assert.isTrue(
          outcome.frames.some((frame) => Result.isFailure(frame) && frame.failure.reason._tag === "FrameTooLong")
        )
      }
    }
  })

  it("union keeps the laws, also while a bad frame is dropped", () => {
    const either = union(
      [
        Framing.lines({ maxLineLength: 8 }).pipe(
          Framing.map({ decode: bytes, encode: (frame: Uint8Array) => new TextDecoder().decode(frame) })
        ),
        Framing.lengthPrefixed({ prefix: "uint16", maxFrameLength: 255 })
      ],
      (first) => first === 0 ? 1 : 0
    )
    const frames = [[0, bytes("abc")], [1, bytes("\n")], [1, bytes("")], [0, bytes("\0")]] as const
    assert.isUndefined(violation(either, { frames, maxBuffered: 260 }))
    assert.isUndefined(violation(flat(recover(either)), {
      frames,
      hostile: [bytes("xxxxxxxxxxxx\0\x02yy\nok\n")],
      maxBuffered: 260,
      oneWay: true
    }))
    const outcome = FramingLaws.decodeChunks(recover(either), [bytes("xxxxxxxxxxxx"), bytes("\0\x02yy\nok\n")])
    assert.deepStrictEqual(
      outcome.frames.map((frame) => Result.isSuccess(frame) ? frame.success : frame.failure.reason._tag),
      [
        "FrameTooLong",
        [0, bytes("ok")]
      ]
    )
  })
})
