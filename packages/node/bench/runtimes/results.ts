/** The result of a check, as a line of JSON. */
export interface Result {
  readonly suite: string
  readonly law: string
  readonly name: string
  /** Why it failed; nothing if it passed. */
  readonly finding?: string | undefined
}

export const kinds = ["TCP", "Unix", "UDP", "TLS"] as const
