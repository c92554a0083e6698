/** What breaks the rules today. Nothing is added here. */
export const known: ReadonlyArray<RegExp> = [
  /simulation.*internal\/(kernel|report) is in a layer above internal\/(fabric|kernel)$/,
  /^internal\/(fabric|report) → /,
  /kernel\/tcp/,
  /^packages\/examples\/src\/chat\/server: 16$/
]

export const unknown = (found: ReadonlyArray<string>): ReadonlyArray<string> =>
  found.filter((each) => !known.some((pattern) => pattern.test(each)))
