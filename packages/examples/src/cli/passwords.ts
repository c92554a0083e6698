/** `--password-file`: the users that may connect, a line `NAME:PASSWORD` for each. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { BadFlag, readText } from "./BadFlag.ts"
import { Credentials } from "./Credentials.ts"
import { path } from "./setting.ts"

export const passwordFile = path(
  "password-file",
  "A file with a line NAME:PASSWORD for each user; default: everyone may connect"
)

/**
 * Reads the users, whose names and passwords have at most `longest` bytes in the protocol. Without a file there are none to
 * check; it warns of the risk, what anyone can do, if strangers reach the server.
 */
export const read = Effect.fnUntraced(function*(
  flags: { readonly passwordFile: Option.Option<string>; readonly public: boolean },
  { longest, risk }: { readonly longest: number; readonly risk: string }
) {
  if (Option.isNone(flags.passwordFile)) {
    if (flags.public) yield* Effect.logWarning(`anyone can ${risk}; give --password-file`)
    return undefined
  }
  const text = yield* readText(flags.passwordFile.value, "password-file", "passwords")
  const users: Array<readonly [name: string, password: string]> = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "" || line.startsWith("#")) continue
    const [, name = "", password = ""] = /^([^:]+):(.+)$/s.exec(line) ?? []
    if ([name, password].some((each) => each === "" || Buffer.byteLength(each) > longest)) {
      return yield* new BadFlag({
        message: `line ${index + 1} of the password file is wrong; ` +
          `write NAME:PASSWORD, each of at most ${longest} bytes`
      })
    }
    users.push([name, password])
  }
  return new Credentials(users)
})
