/** The users of the broker: a line `NAME:PASSWORD` for each. */
import * as Effect from "effect/Effect"
import { BadFlag, readText } from "../cli/BadFlag.ts"
import { Credentials } from "../cli/Credentials.ts"

export const read = Effect.fnUntraced(function*(file: string) {
  const text = yield* readText(file, "password-file", "passwords")
  const users: Array<readonly [name: string, password: string]> = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue
    const [, name, password] = /^([^:]+):(.+)$/s.exec(line) ?? []
    if (name === undefined || password === undefined) {
      return yield* new BadFlag({ message: `line ${index + 1} of the password file is wrong; write NAME:PASSWORD` })
    }
    users.push([name, password])
  }
  return new Credentials(users)
})
