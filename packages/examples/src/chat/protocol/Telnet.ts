/** The commands that a telnet client mixes into its lines (RFC 854), taken out of them, and the answers it waits for. */

const SE = 240
const SB = 250
const WILL = 251
const WONT = 252
const DO = 253
const DONT = 254
const IAC = 255

/** A line without commands, and what to answer to them, if anything. */
export interface Plain {
  readonly bytes: Uint8Array
  readonly answer: Uint8Array | undefined
}

/** Takes the commands out of a line. Every option that is offered or asked for is turned down. */
export const strip = (line: Uint8Array): Plain => {
  // No byte of UTF-8 is 255.
  if (!line.includes(IAC)) return { bytes: line, answer: undefined }
  const bytes: Array<number> = []
  const answer: Array<number> = []
  for (let at = 0; at < line.length; at++) {
    if (line[at] !== IAC) {
      bytes.push(line[at]!)
      continue
    }
    const command = line[++at]
    if (command === SB) {
      while (at < line.length && !(line[at] === IAC && line[at + 1] === SE)) at++
      at++
    } else if (command !== undefined && command >= WILL && command <= DONT) {
      const option = line[++at]
      if (option === undefined) break
      if (command === DO) answer.push(IAC, WONT, option)
      if (command === WILL) answer.push(IAC, DONT, option)
    }
  }
  return { bytes: Uint8Array.from(bytes), answer: answer.length === 0 ? undefined : Uint8Array.from(answer) }
}
