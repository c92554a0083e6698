/** What Tab makes of a word: a command at the beginning of the line, and a name everywhere. */
import * as Command from "../protocol/Command.ts"
import { fold } from "../protocol/Name.ts"
import type { Complete } from "../terminal/LineEditor.ts"

export const complete = (present: ReadonlyArray<string>): Complete => (before, word) => {
  if (before === "" && word.startsWith("/")) {
    return Object.keys(Command.verbs).filter((verb) => verb.startsWith(word.slice(1).toLowerCase())).map((verb) =>
      `/${verb} `
    )
  }
  // The addressee is named first: `alice: hello`.
  const ending = before === "" ? ": " : " "
  return word === ""
    ? []
    : present.filter((name) => fold(name).startsWith(fold(word))).map((name) => `${name}${ending}`)
}
