/**
 * What people and rooms are called: 1 to 20 letters, digits, `_`, `-` and `.`, of any script, the first a letter, a digit
 * or `_`. Names are put in Unicode's form NFKC, and two that differ in case alone are the same.
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** In characters, that is, Unicode code points. */
export const longest = 20

// Marks make one letter of several characters; more than a few on one letter cover the lines around it.
const pattern = /^(?:[\p{L}\p{N}_]\p{M}{0,3})(?:[\p{L}\p{N}_.-]\p{M}{0,3})*$/u

// Letters and marks that nobody sees, such as U+3164 and U+034F (UAX 44).
const invisible = /\p{Default_Ignorable_Code_Point}/u

/** Why this, in form NFKC, is no name. */
const problem = (name: string): string | undefined => {
  if (invisible.test(name)) return "a name has no invisible characters"
  const length = Array.from(name).length
  if (length > longest) return `a name has at most ${longest} characters, and this one ${length}`
  if (!pattern.test(name)) {
    return "a name is made of letters, digits, \"_\", \"-\" and \".\", and begins with none of the last two"
  }
  return undefined
}

/** A name that can be given to people and rooms. */
export type Name = typeof Name.Type

/** A name from text. */
export const Name = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(Schema.makeFilter(problem)).pipe(Schema.brand("Name")),
    SchemaTransformation.transform({ decode: (text) => text.normalize("NFKC"), encode: (name: string) => name })
  )
)

/** What two names that are the same have in common: Unicode's case folding, by way of both of its mappings. */
export const fold = (name: string): string => name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC")
