/** All commands, by their names in upper and in lower case, so that most are found without conversion. */
import { syntaxError } from "../Reply.ts"
import type { Command, Commands, Handler } from "./arguments.ts"
import { collections } from "./collections.ts"
import { connection } from "./connection.ts"
import { keys } from "./keys.ts"
import { lists } from "./lists.ts"
import { pubSub } from "./pubSub.ts"
import { scripting } from "./scripting.ts"
import { streams } from "./streams.ts"
import { strings } from "./strings.ts"

export interface Entry {
  readonly name: string
  readonly arity: number
  readonly handler: Handler
  /** Whether it takes memory, and so is refused when there is none left. */
  readonly grows: boolean
  /** The commands of a family, by their own names in upper case. */
  readonly family: ReadonlyMap<string, Entry>
}

const table: Commands = {
  ...strings,
  ...keys,
  ...lists,
  ...collections,
  ...streams,
  ...pubSub,
  ...scripting,
  ...connection
}

/** A family by itself: its arity refuses it. */
const bare: Command = [-2, () => {
  throw syntaxError()
}]

const entryOf = (name: string): Entry => {
  const [arity, handler, grows] = table[name] ?? bare
  const family = Object.keys(table).filter((other) => other.startsWith(`${name}|`))
  return {
    name,
    arity,
    handler,
    grows: grows !== undefined,
    family: new Map(family.map((other) => [other.slice(name.length + 1), entryOf(other)]))
  }
}

const names = new Set(Object.keys(table).map((name) => name.split("|", 1)[0]!))

export const commands: ReadonlyMap<string, Entry> = new Map(
  Array.from(names).flatMap((name) => {
    const entry = entryOf(name)
    return [[name, entry], [name.toLowerCase(), entry]] as const
  })
)
