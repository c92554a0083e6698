/** Names that look alike (UTS 39, section 4) and so count as one: `alice`, `Alice`, `aIice`, and `alice` with a Cyrillic a. */
import unhomoglyph from "unhomoglyph"
import * as Name from "../protocol/Name.ts"

const skeleton = (name: string): string => unhomoglyph(name.normalize("NFD")).normalize("NFD")

/** The keys of a person's name. Two names look alike, in some case of their letters, if they share one. */
export const keys = (name: string): ReadonlyArray<string> => {
  const ignoringCase = Name.fold(skeleton(Name.fold(name)))
  const asWritten = Name.fold(skeleton(name.normalize("NFKC")))
  return ignoringCase === asWritten ? [ignoringCase] : [ignoringCase, asWritten]
}

/** The key of a room's name, the same for names that look alike. A capital I is taken for an l, and so i and l are one. */
export const key = (name: string): string => Name.fold(skeleton(Name.fold(name))).replaceAll("i", "l")
