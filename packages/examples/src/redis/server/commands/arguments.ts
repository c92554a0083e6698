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
  if (text === undefined || !/^(?:0|-?[1-9]\d{0,18})$/.test(text) || !Number.isSafeInteger(value)) throw notInteger()
  return value
}

export const toCount = (text: string | undefined): number => {
  const value = toInteger(text)
  if (value < 0) throw new Refused("ERR value is out of range, must be positive")
  return value
}

export const toFloat = (text = "", what = "value is not a valid float"): number => {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return Number(text)
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity
  throw new Refused(`ERR ${what}`)
}

/** A range of indices, negative ones counted from the end, as arguments of `slice`. */
export const toRange = (length: number, start: string, stop: string): readonly [number, number] => {
  const [from, to] = [toInteger(start), toInteger(stop)].map((index) => index < 0 ? length + index : index)
  return [Math.max(0, from!), Math.min(length - 1, to!) + 1]
}

/**
 * Reads options by their names, in any order, until the words end or, with `stop`, up to an unknown word. The function of
 * an option reads its values with `next`. Returns the index after the options.
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
