/** A log whose first entries may be in a snapshot. */
import type { Entry } from "./protocol.ts"

export interface Log {
  /** The last entry in the snapshot, and its term. */
  readonly base: number
  readonly baseTerm: number
  readonly entries: ReadonlyArray<Entry>
}

export const empty: Log = { base: 0, baseTerm: 0, entries: [] }

export const lastIndex = (self: Log): number => self.base + self.entries.length

/** The term of an entry; `undefined` if it is not there, or inside the snapshot. */
export const termAt = (self: Log, index: number): number | undefined =>
  index === self.base ? self.baseTerm : self.entries[index - self.base - 1]?.term

export const lastTerm = (self: Log): number => termAt(self, lastIndex(self))!

export const entryAt = (self: Log, index: number): Entry => self.entries[index - self.base - 1]!

/** At most `limit` entries from `index` on. */
export const slice = (self: Log, index: number, limit: number): ReadonlyArray<Entry> =>
  self.entries.slice(index - self.base - 1, index - self.base - 1 + limit)

/** The entries up to `index`, which is not inside the snapshot, and then others. */
export const replaceAfter = (self: Log, index: number, entries: ReadonlyArray<Entry>): Log => ({
  ...self,
  entries: [...self.entries.slice(0, index - self.base), ...entries]
})

/** The log after a snapshot of the entries up to `index`: later entries are kept if the log agrees with the snapshot. */
export const compact = (self: Log, index: number, term: number): Log => ({
  base: index,
  baseTerm: term,
  entries: termAt(self, index) === term ? self.entries.slice(index - self.base) : []
})
