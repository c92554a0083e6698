/**
 * A pattern of `KEYS` as a test: `*`, `?`, `[a-z]`, `[^a]` and `\\`. Clients choose patterns and names, so no regular expression
 * matches them: one with many stars would take exponential time.
 */
export const glob = (pattern: string): (text: string) => boolean => {
  if (pattern === "*") return () => true
  const tokens: Array<Token> = []
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!
    const close = character === "[" ? pattern.indexOf("]", i + 1) : -1
    if (close > i + 1) {
      tokens.push(oneOfSet(pattern.slice(i + 1, close)))
      i = close
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

const oneOfSet = (set: string): (character: string) => boolean => {
  const [, negated, members] = /^(\^?)(.*)$/s.exec(set)!
  try {
    const expression = members === ""
      ? negated === "" ? /(?!)/ : /./s
      : new RegExp(`^[${negated}${members!.replace(/[\\\]^[]/g, "\\$&")}]$`)
    return (character) => expression.test(character)
  } catch {
    return () => false
  }
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
