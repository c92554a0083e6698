/** What people read in the repository: Markdown, comments, and the strings that are sentences. */

export interface Passage {
  /** Of its first character, from 1 up. */
  readonly line: number
  readonly text: string
}

/** Replaces what a pattern matches by spaces, so that lines and columns stay. */
const blank = (text: string, pattern: RegExp) => text.replaceAll(pattern, (match) => match.replaceAll(/[^\n]/g, " "))

/** Markdown without its code, its links' targets, its comments and what it quotes. */
const ofMarkdown = (text: string): string =>
  [
    /^```[\s\S]*?^ *```$/gm,
    /<!--[\s\S]*?-->/g,
    /`[^`\n]*`/g,
    /\]\([^)\s]*\)/g,
    /^> .*$/gm
  ].reduce(blank, text)

/** Comments without their examples and the names of code. */
const ofComment = (text: string): string =>
  [/^ *\* ```ts$[\s\S]*?^ *\* ```$/gm, /`[^`\n]*`/g, /\{@link [^}]*\}/g, /^ *\* @(since|category|example).*$/gm].reduce(
    blank,
    text
  )

const token = new RegExp(
  [
    String.raw`(?<comment>//[^\n]*|/\*[\s\S]*?\*/)`,
    String.raw`(?<quoted>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')`,
    String.raw`(?<template>` + "`(?:[^`\\\\]|\\\\.)*`)",
    // A slash begins a regular expression where a value can stand, and divides elsewhere.
    String.raw`(?<=[(,=:[!&|?{};\n]\s*)(?<regex>/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)`
  ].join("|"),
  "g"
)

/** A string is a sentence when it has three words in a row. */
const isSentence = (text: string) => /[a-zA-Z,;:']+ [a-zA-Z,;:']+ [a-zA-Z]+/.test(text)

const ofSource = (text: string): ReadonlyArray<Passage> => {
  let line = 1
  let last = 0
  return Array.from(text.matchAll(token)).flatMap(({ 0: whole, groups = {}, index }) => {
    line += text.slice(last, index).split("\n").length - 1
    last = index
    if (groups.comment !== undefined) return [{ line, text: ofComment(whole) }]
    const string = groups.quoted ?? groups.template
    if (string === undefined || !isSentence(string)) return []
    return [{ line, text: blank(string, /\$\{[^}]*\}/g) }]
  })
}

/** The prose of a file. */
export const proseOf = (file: string, text: string): ReadonlyArray<Passage> =>
  file.endsWith(".md") ? [{ line: 1, text: ofMarkdown(text) }] : ofSource(text)

/** A way of writing that the project does without, and what it writes instead. */
export interface Rule {
  readonly not: RegExp
  readonly but: string
}

/** Where prose breaks the rules, as `file:line: "words": what to write`. A phrase may run over the end of a line. */
export const faults = (file: string, text: string, rules: ReadonlyArray<Rule>): ReadonlyArray<string> =>
  proseOf(file, text).flatMap((passage) => {
    const words = passage.text.replaceAll(/\n( *(\/\/|\*)(?!\/) ?| *)/g, (gap) => `\n${" ".repeat(gap.length - 1)}`)
    return rules.flatMap(({ but, not }) =>
      Array.from(words.matchAll(not), ({ 0: found, index }) => {
        const line = passage.line + words.slice(0, index).split("\n").length - 1
        return `${file}:${line}: "${found.replaceAll(/\s+/g, " ")}": ${but}`
      })
    )
  })
