/** What scripts are made of. */
import { nil, type Reply } from "../Reply.ts"

/** Runs a command of a script. An error ends the script. */
export type Call = (...words: ReadonlyArray<string>) => Reply

/** A script: what it does with its keys and arguments. */
export type Script = (call: Call, keys: ReadonlyArray<string>, args: ReadonlyArray<string>) => Reply

/** A reply as Lua has it: text, or nothing. */
export const textOf = (reply: Reply): string | undefined =>
  reply._tag === "Bulk" ? reply.bytes : reply._tag === "Number" ? String(reply.value) : undefined

export const numberOf = (reply: Reply): number => Number(textOf(reply) ?? NaN)

/** A reply of several strings. Those of a map come by turns. */
export const textsOf = (reply: Reply): ReadonlyArray<string> =>
  reply._tag === "Array"
    ? reply.items.map((item) => textOf(item) ?? "")
    : reply._tag === "Map"
    ? reply.entries.flatMap(({ key, value }) => [textOf(key) ?? "", textOf(value) ?? ""])
    : []

export const nothing = nil
