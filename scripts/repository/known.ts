/** What breaks the rules today. Nothing is added here. */
export const known: ReadonlyArray<RegExp> = [
  /^packages\/examples\/src\/chat\/server: 16$/
]

export const unknown = (found: ReadonlyArray<string>): ReadonlyArray<string> =>
  found.filter((each) => !known.some((pattern) => pattern.test(each)))
