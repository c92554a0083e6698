/** What commands are, and how they read their arguments. */
import { notInteger, type Outcome, Refused, syntaxError } from "../Reply.ts"
import type { Session } from "../Session.ts"

/** Runs a command. `words[0]` is its name. */
export type Handler = (session: Session, words: ReadonlyArray<string>) => Outcome

/** How many words a command has, its name included, or at least how many, negative; and whether it takes memory. */
export type Command = readonly [arity: number, handler: Handler, grows?: "grows"]

export type Commands = Readonly<Record<string, Command>>

export const toInteger = (text: string | undefined): number => {
  const value = Number(text)
  if (text === undefined || !/^-?\d{1,19}$/.test(text) || !Number.isSafeInteger(value)) throw notInteger()
  return value
}

export const toCount = (text: string | undefined): number => {
  const value = toInteger(text)
  if (value < 0) throw new Refused("ERR value is out of range, must be positive")
  return value
}

export const toFloat = (text: string | undefined, what = "value is not a valid float"): number => {
  const value = /^[+-]?(?:inf|infinity)$/i.test(text ?? "")
    ? (text!.startsWith("-") ? -Infinity : Infinity)
    : Number(text)
  if (text === undefined || text.trim() === "" || Number.isNaN(value)) throw new Refused(`ERR ${what}`)
  return value
}

/** From where to where a range of indices goes that may be counted from the end: both as `slice` takes them. */
export const toRange = (length: number, start: string, stop: string): readonly [number, number] => {
  const [from, to] = [toInteger(start), toInteger(stop)].map((index) => index < 0 ? length + index : index)
  return [Math.max(0, from!), Math.min(length - 1, to!) + 1]
}

/**
 * Reads options by their names, in any order, until the words end or `stop` says so. An option takes what its function takes
 * of `next`. Returns where the options end.
 */
export const readOptions = (
  words: ReadonlyArray<string>,
  from: number,
  options: Readonly<Record<string, (next: () => string) => void>>,
  otherwise: "refuse" | "stop" = "refuse"
): number => {
  let at = from
  const next = (): string => {
    const word = words[++at]
    if (word === undefined) throw syntaxError()
    return word
  }
  for (; at < words.length; at++) {
    const option = options[words[at]!.toUpperCase()]
    if (option !== undefined) option(next)
    else if (otherwise === "stop") break
    else throw syntaxError()
  }
  return at
}

/** A function for each of the options that exclude one another. */
export const oneOf = <A extends string>(names: ReadonlyArray<A>, choose: (name: A) => void) => {
  let chosen = false
  return Object.fromEntries(names.map((name) => [name, () => {
    if (chosen) throw syntaxError()
    chosen = true
    choose(name)
  }]))
}

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
