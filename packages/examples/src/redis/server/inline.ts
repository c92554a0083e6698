/** Splits a line that a person has typed into words, which may be quoted as in `redis-cli`. Returns nothing for bad quotes. */
export const splitInline = (line: string): ReadonlyArray<string> | undefined => {
  const text = /[^\0-\x7f]/.test(line) ? Buffer.from(line).toString("latin1") : line
  if (!/["']/.test(text)) return text.split(/\s+/).filter((word) => word !== "")
  const words: Array<string> = []
  const word = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']+))(?=\s|$)/gy
  while (word.lastIndex < text.trimEnd().length) {
    const match = word.exec(text)
    if (match === null) return undefined
    words.push(match[1]?.replace(escape, unescape) ?? match[2]?.replaceAll("\\'", "'") ?? match[3]!)
  }
  return words
}

const escape = /\\(?:x([0-9a-f]{2})|(.))/gi
const letters: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" }

const unescape = (_: string, hex: string | undefined, letter: string): string =>
  hex === undefined ? letters[letter] ?? letter : String.fromCharCode(parseInt(hex, 16))
