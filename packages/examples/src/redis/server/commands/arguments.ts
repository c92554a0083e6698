/** What commands are, and how they read their arguments. */
import { type Outcome, Refused, syntaxError } from "../Reply.ts"
import type { Session } from "../Session.ts"
import { toInt64 } from "./integers.ts"

/** Runs a command. `words[0]` is its name. */
export type Handler = (session: Session, words: ReadonlyArray<string>) => Outcome

/** How many words a command has, its name included, or at least how many, negative; and whether it takes memory. */
export type Command = readonly [arity: number, handler: Handler, grows?: "grows"]

/** Commands by their names. A command of a family is named `CLIENT|ID`. */
export type Commands = Readonly<Record<string, Command>>

/** A place, a count or a time: beyond 2^53 it is not exact. */
export const toInteger = (text: string | undefined, otherwise?: string): number => Number(toInt64(text, otherwise))

export const toCount = (text: string | undefined, whenNegative: string, otherwise?: string): number => {
  const value = toInteger(text, otherwise)
  if (value < 0) throw new Refused(`ERR ${whenNegative}`)
  return value
}

export const toFloat = (text = "", what = "value is not a valid float"): number => {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))) return Number(text)
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity
  throw new Refused(`ERR ${what}`)
}

/** A range of indices, negative ones counted from the end, as arguments of `slice` for a length. */
export const toRange = (start: string, stop: string): (length: number) => readonly [from: number, to: number] => {
  const [first, last] = [toInteger(start), toInteger(stop)]
  return (length) => {
    const [from, to] = [first, last].map((index) => index < 0 ? length + index : index)
    return [Math.max(0, from!), Math.min(length - 1, to!) + 1]
  }
}

/**
 * Reads options by their names, in any order, until the words end or, with `stop`, up to an unknown word. The function of
 * an option reads its values with `next`. Returns the index after the options. An option that is unknown or lacks a value is
 * refused.
 */
export const readOptions = (
  words: ReadonlyArray<string>,
  from: number,
  options: Readonly<Record<string, (next: () => string) => void>>,
  otherwise: "stop" | ((option: string) => Refused) = syntaxError
): number => {
  const refuse = otherwise === "stop" ? syntaxError : otherwise
  let at = from
  for (; at < words.length; at++) {
    const name = words[at]!
    const option = options[name.toUpperCase()]
    if (option === undefined && otherwise === "stop") break
    if (option === undefined) throw refuse(name)
    option(() => {
      const word = words[++at]
      if (word === undefined) throw refuse(name)
      return word
    })
  }
  return at
}

/** A function for each of the options that exclude one another. */
export const oneOf = <A extends string>(
  names: ReadonlyArray<A>,
  choose: (name: A, next: () => string) => void,
  refuse: () => Refused = syntaxError
) => {
  let chosen: A | undefined
  return Object.fromEntries(names.map((name) => [name, (next: () => string) => {
    if (chosen !== undefined && chosen !== name) throw refuse()
    chosen = name
    choose(name, next)
  }]))
}
