/**
 * A pattern of `KEYS` as a test: `*`, `?`, `[a-z]`, `[^a]` and `\\`. Clients choose patterns and names, so no regular expression
 * matches them: one with many stars would take exponential time.
 */
export const glob = (pattern: string): (text: string) => boolean => {
  if (pattern === "*") return () => true
  const tokens: Array<Token> = []
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!
    if (character === "[") {
      const { end, test } = readSet(pattern, i + 1)
      tokens.push(test)
      i = end
    } else if (character === "*") tokens.push("star")
    else if (character === "?") tokens.push(() => true)
    else {
      const wanted = character === "\\" ? pattern[++i] ?? "\\" : character
      tokens.push((character) => character === wanted)
    }
  }
  return (text) => matchesAll(tokens, text)
}

type Token = "star" | ((character: string) => boolean)

/** Reads a set behind its bracket. Without an end it reaches to the end of the pattern. */
const readSet = (
  pattern: string,
  from: number
): { readonly test: (character: string) => boolean; readonly end: number } => {
  const isNegated = pattern[from] === "^"
  const ranges: Array<readonly [low: string, high: string]> = []
  let end = isNegated ? from + 1 : from
  for (; end < pattern.length && pattern[end] !== "]"; end++) {
    const isEscaped = pattern[end] === "\\" && end + 1 < pattern.length
    if (isEscaped) end++
    const first = pattern[end]!
    const isRange = !isEscaped && pattern[end + 1] === "-" && end + 2 < pattern.length
    if (isRange) end += 2
    const last = pattern[end]!
    ranges.push(first <= last ? [first, last] : [last, first])
  }
  return { test: (character) => ranges.some(([low, high]) => low <= character && character <= high) !== isNegated, end }
}

/** After a mismatch, only the last star takes one character more: what the stars before it took need not change. */
const matchesAll = (tokens: ReadonlyArray<Token>, text: string): boolean => {
  let token = 0
  let star = -1
  let resumeAt = 0
  for (let at = 0; at < text.length;) {
    const test = tokens[token]
    if (test === "star") {
      star = token++
      resumeAt = at
    } else if (test?.(text[at]!)) {
      token++
      at++
    } else if (star >= 0) {
      token = star + 1
      at = ++resumeAt
    } else return false
  }
  while (tokens[token] === "star") token++
  return token === tokens.length
}
