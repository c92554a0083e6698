/** The words that the project does without, each with what it writes instead: one sentence a rule. */
import type { Rule } from "./prose.ts"

/** Words, with any white space between them, in any case. */
const words = (pattern: string) => new RegExp(String.raw`\b(?:${pattern.replaceAll(" ", String.raw`\s+`)})\b`, "gi")

export const style: ReadonlyArray<Rule> = Object.entries({
  // Terms people search for.
  "fall(s|ing)? apart|fell apart": "write partition",
  "under way": "write in flight, or in progress",
  unharmed: "write unaffected",
  "cannot be meant": "write invalid",
  "let(s|ting)? ((nobody|somebody|someone|anybody|everybody|you|me|them) )?in": "write accept",
  "turn(s|ed|ing)? away": "write reject",
  "cannot do without": "write that it is required",
  "(is|are|was|were) found out": "write detected",
  "without a word": "say what happens instead: unreported, or without closing",
  "for ever": "write forever, or indefinitely",
  "so many": "write at most N",
  "(?<!what )(goes on|go on|went on|gone on)": "write continues, or resumes",
  "of its own accord": "write by itself",
  // Nouns of the field.
  "whoever|whosoever": "name the thing: the caller, the peer, the owner of the Scope",
  "somebody": "name the thing: a client, a subscriber",
  "(he|she|him|her|his|hers)": "name the thing: the user, the client",
  "that which": "name the thing",
  // Sentences that have to be read twice.
  "(it|this|that) is no": "write not a, or invalid",
  "(is|are) no (longer|more) than": "write at most",
  "(has|have) to say": "say what it reports",
  "mostly a mistake": "say what goes wrong",
  "by and by|in vain|lest": "say it in plain words",
  "hence|thus|therein|thereof|herein|whereby|wherein|upon|whilst|amongst": "write so, on, while, among",
  "simply|obviously|of course|basically|quite": "leave it out, or give the number",
  // American spellings of words that the dictionary has both ways.
  "(dia|cance|signa|labe|mode|trave|tunne|marsha|unmarsha)ll(ed|ing)": "write one l",
  "(?<!crc-)catalogues?(?![.]ts)|dialogues?": "write catalog, dialog",
  "grey|centres?|metres?|artefacts?|programmes?|judgements?|licences?": "write it as Americans do",
  "towards|afterwards|backwards|upwards|downwards": "leave out the final s"
}).map(([pattern, but]) => ({ not: words(pattern), but })).concat({
  not: /\b(?:Those (?:that|who|which)|(?:One|The one) that)\b/g,
  but: "begin the sentence with the thing itself: connections that"
})
