/** Why checks fail on other runtimes, as far as it is known. */

interface Known {
  readonly runtime: string
  readonly kinds: ReadonlyArray<string>
  /** What the check, or what it found, has to match. */
  readonly matches: RegExp
  readonly reason: string
}

const known: ReadonlyArray<Known> = []

export const reasonOf = (runtime: string, kind: string, check: string, finding: string): string | undefined =>
  known.find((each) =>
    each.runtime === runtime && each.kinds.includes(kind) && (each.matches.test(check) || each.matches.test(finding))
  )?.reason
