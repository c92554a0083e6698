/** The users of the broker: a line `NAME:PASSWORD` for each. */
import * as Effect from "effect/Effect"
import { createHash, timingSafeEqual } from "node:crypto"
import { BadFlag, readText } from "../cli/BadFlag.ts"

export interface Credentials {
  readonly accept: (userName: string | undefined, password: Uint8Array | undefined) => boolean
}

/** Only digests are kept. They are compared, so that the time does not tell where a password differs. */
const digest = (password: string | Uint8Array): Buffer => createHash("sha256").update(password).digest()
const nobody = digest("")

export const parse = (text: string): Effect.Effect<Credentials, BadFlag> =>
  Effect.suspend(() => {
    const users = new Map<string, Buffer>()
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      if (line === "" || line.startsWith("#")) continue
      const colon = line.indexOf(":")
      if (colon < 1 || colon === line.length - 1) {
        return Effect.fail(
          new BadFlag({ message: `line ${index + 1} of the password file is wrong; write NAME:PASSWORD` })
        )
      }
      users.set(line.slice(0, colon), digest(line.slice(colon + 1)))
    }
    const accept: Credentials["accept"] = (userName = "", password = new Uint8Array()) => {
      const expected = users.get(userName)
      const isEqual = timingSafeEqual(expected ?? nobody, digest(password))
      return expected !== undefined && isEqual
    }
    return Effect.succeed({ accept })
  })

export const read = (file: string) => Effect.flatMap(readText(file, "password-file", "passwords"), parse)
