/**
 * A pattern of `KEYS` as a test: `*`, `?`, `[a-z]`, `[^a]` and `\\`. Clients choose patterns and names, so no regular expression
 * matches them: one with many stars would take exponential time. And a pattern is kept as its text, which is counted as
 * memory in use.
 */
export const glob = (pattern: string) => (text: string): boolean => {
  let place = 0
  let behindStar = -1
  let resumeAt = 0
  for (let at = 0; at < text.length;) {
    if (pattern[place] === "*") {
      behindStar = ++place
      resumeAt = at
      if (place === pattern.length) return true
      continue
    }
    const next = place < pattern.length ? behind(pattern, place, text.charCodeAt(at)) : undefined
    if (next !== undefined) {
      place = next
      at++
    } else if (behindStar >= 0) {
      // Only the last star takes one character more: what the stars before it took need not change.
      place = behindStar
      at = ++resumeAt
    } else return false
  }
  while (pattern[place] === "*") place++
  return place === pattern.length
}

/** The place in the pattern behind what matches one character, if it does. */
const behind = (pattern: string, place: number, character: number): number | undefined => {
  switch (pattern[place]) {
    case "?":
      return place + 1
    case "[":
      return behindSet(pattern, place + 1, character)
    case "\\":
      if (place + 1 < pattern.length) place++
  }
  return pattern.charCodeAt(place) === character ? place + 1 : undefined
}

/** The same for a set, from behind its bracket. Without an end it reaches to the end of the pattern. */
const behindSet = (pattern: string, from: number, character: number): number | undefined => {
  const isNegated = pattern[from] === "^"
  let isMember = false
  let end = isNegated ? from + 1 : from
  for (; end < pattern.length && pattern[end] !== "]"; end++) {
    const isEscaped = pattern[end] === "\\" && end + 1 < pattern.length
    if (isEscaped) end++
    const first = pattern.charCodeAt(end)
    const isRange = !isEscaped && pattern[end + 1] === "-" && end + 2 < pattern.length
    if (isRange) end += 2
    const last = pattern.charCodeAt(end)
    isMember ||= Math.min(first, last) <= character && character <= Math.max(first, last)
  }
  return isMember === isNegated ? undefined : Math.min(end + 1, pattern.length)
}
