/**
 * RESP2 and RESP3, the protocol of Redis: https://redis.io/docs/latest/develop/reference/protocol-spec
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Codec from "../Codec.ts"

/**
 * A value that a server sends. `Null` and `NullArray` are those of RESP2; `Nil` is that of RESP3. `A` is the type of
 * strings: bytes, unless the codecs come from {@link make}.
 *
 * @category models
 * @since 0.1.0
 */
export type Value<A = Uint8Array> =
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "Error"; readonly text: string }
  | { readonly _tag: "Number"; readonly value: number | bigint }
  | { readonly _tag: "Bulk"; readonly bytes: A }
  | { readonly _tag: "Array"; readonly items: ReadonlyArray<Value<A>> }
  | { readonly _tag: "Null" }
  | { readonly _tag: "NullArray" }
  | { readonly _tag: "Nil" }
  | { readonly _tag: "True" }
  | { readonly _tag: "False" }
  | { readonly _tag: "Double"; readonly text: string }
  | { readonly _tag: "BigNumber"; readonly value: bigint }
  | { readonly _tag: "BulkError"; readonly bytes: A }
  | { readonly _tag: "Verbatim"; readonly format: string; readonly bytes: A }
  | { readonly _tag: "Map"; readonly entries: ReadonlyArray<Entry<A>> }
  | { readonly _tag: "Set"; readonly items: ReadonlyArray<Value<A>> }
  | { readonly _tag: "Push"; readonly items: ReadonlyArray<Value<A>> }
  | { readonly _tag: "Attributes"; readonly entries: ReadonlyArray<Entry<A>> }

/**
 * A pair of a map.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry<A = Uint8Array> {
  readonly key: Value<A>
  readonly value: Value<A>
}

/**
 * What a client sends: an array of strings, or a line typed by hand.
 *
 * @category models
 * @since 0.1.0
 */
export type Command<A = Uint8Array> =
  | { readonly _tag: "Command"; readonly words: ReadonlyArray<A> }
  | { readonly _tag: "Inline"; readonly line: string }

const line = Codec.delimited("\r\n", Codec.text())
const count = Codec.enclosed(Codec.decimal({ max: 2 ** 31 - 1 }), { after: "\r\n" })
const integer = Codec.delimited("\r\n", Codec.text("ascii"), { limit: 40 }).pipe(
  Codec.mapResult(
    (text): Result.Result<bigint, string> =>
      /^[+-]?\d+$/.test(text) ? Result.succeed(BigInt(text)) : Result.fail(`${JSON.stringify(text)} is not a number`),
    (value) => Result.succeed(String(value))
  )
)

/** A number where that is exact. */
const number = Codec.delimited("\r\n", Codec.text("ascii"), { limit: 20 }).pipe(
  Codec.mapResult(
    (text): Result.Result<number | bigint, string> => {
      const value = Number(text)
      if (!/^[+-]?\d+$/.test(text)) return Result.fail(`${JSON.stringify(text)} is not a number`)
      return Result.succeed(Number.isSafeInteger(value) ? value === 0 ? 0 : value : BigInt(text))
    },
    (value) =>
      typeof value === "bigint" ? Result.succeed(String(value)) : Number.isSafeInteger(value)
        ? Result.succeed(String(value))
        : Result.fail(`${value} is not a safe integer; use a bigint`)
  )
)

/**
 * The codecs for strings that `content` describes: `Codec.text()`, or `Codec.text("latin1")` for strings of any bytes, a
 * character each, which cost less than views of bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>(content: Codec.Codec<A>): {
  readonly value: Codec.Codec<Value<A>>
  readonly command: Codec.Codec<Command<A>>
} => {
  const item: Codec.Codec<Value<A>> = Codec.lazy(() => value, { maxDepth: 128 })
  const items = { items: Codec.countPrefixed(count, item) }
  const entries = { entries: Codec.countPrefixed(count, Codec.struct({ key: item, value: item })) }
  const bulk = { bytes: Codec.enclosed(Codec.lengthPrefixed(count, content), { after: "\r\n" }) }

  // The compiler computes the types of fields only for a known `A`.
  const value = Codec.taggedByPrefix({
    Text: ["+", { text: line }],
    Error: ["-", { text: line }],
    Number: [":", { value: number }],
    Bulk: ["$", bulk],
    Array: ["*", items],
    Null: ["$-1\r\n"],
    NullArray: ["*-1\r\n"],
    Nil: ["_\r\n"],
    True: ["#t\r\n"],
    False: ["#f\r\n"],
    Double: [",", { text: line }],
    BigNumber: ["(", { value: integer }],
    BulkError: ["!", bulk],
    Verbatim: ["=", {
      length: Codec.lengthOf("bytes", count, { add: 4 }),
      format: Codec.enclosed(Codec.sized(3, Codec.text("ascii")), { after: ":" }),
      bytes: content,
      end: Codec.literal("\r\n")
    }],
    Map: ["%", entries],
    Set: ["~", items],
    Push: [">", items],
    Attributes: ["|", entries]
  }).pipe(Codec.named("value")) as unknown as Codec.Codec<Value<A>>

  const word = Codec.enclosed(
    Codec.lengthPrefixed(
      Codec.enclosed(Codec.decimal({ max: 2 ** 31 - 1 }), { before: "$", after: "\r\n" }),
      content
    ),
    { after: "\r\n" }
  )

  const command = Codec.taggedByPrefix({
    Command: ["*", { words: Codec.countPrefixed(count, word, { limit: 1024 * 1024 }) }],
    Inline: ["", { line: Codec.delimited(["\r\n", "\n"], Codec.text(), { limit: 65536 }) }]
  }).pipe(Codec.named("command")) as unknown as Codec.Codec<Command<A>>

  return { value, command }
}

const codecs = make(Codec.bytes())

/**
 * What a server sends, and what a client's commands are: an `Array` of `Bulk`.
 *
 * @category codecs
 * @since 0.1.0
 */
export const value: Codec.Codec<Value> = codecs.value

/**
 * What a client sends: an array of strings, or a line of words as a person types it.
 *
 * @category codecs
 * @since 0.1.0
 */
export const command: Codec.Codec<Command> = codecs.command
