/** All commands, by their names in upper and in lower case, so that most are found without conversion. */
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

const entryOf = (name: string, [arity, handler, grows]: Command): Entry => ({
  name,
  arity,
  handler,
  grows: grows !== undefined
})

export const commands: ReadonlyMap<string, Entry> = new Map(
  Object.entries(table).flatMap(([name, command]) => {
    const entry = entryOf(name, command)
    return [[name, entry], [name.toLowerCase(), entry]] as const
  })
)
