import { interleave } from "../../../node/bench/interleave.ts"
import type { Options } from "../../../node/bench/options.ts"
import { Results, type Row } from "../../../node/bench/report/results.ts"

/** A measured program: it starts with its table, and stops at its end. */
export interface Contestant {
  readonly name: string
  readonly stop: () => Promise<void>
}

/** A row, and how to measure it for a contestant. */
export interface Measured<C extends Contestant> extends Row {
  readonly measure: (contestant: C, options: Options) => Promise<number>
}

/** A table that compares a program with third-party programs. The first contestant is the baseline. */
export interface Section {
  readonly title: string
  readonly rows: ReadonlyArray<string>
  /** Measures the rows that are wanted, or says what is missing here. */
  readonly run: (options: Options) => Promise<Results | { readonly missing: string }>
}

/** Makes a table. In the first round caches and compilers warm up; it does not count. */
export const section = <C extends Contestant>(definition: {
  readonly title: string
  readonly rows: ReadonlyArray<Measured<C>>
  readonly start: () => Promise<ReadonlyArray<C> | { readonly missing: string }>
}): Section => ({
  title: definition.title,
  rows: definition.rows.map(({ name }) => name),
  run: async (options) => {
    const rows = definition.rows.filter(({ name }) => options.isWanted(`${definition.title}: ${name}`))
    const contestants = await definition.start()
    if ("missing" in contestants) return contestants
    const results = new Results(rows, contestants.map(({ name }) => name))
    try {
      await interleave(options.rounds + 1, rows, contestants, async (row, contestant, round) => {
        const value = await row.measure(contestant, options)
        if (round > 0) results.add(row, contestant.name, value)
      })
    } finally {
      for (const contestant of contestants) await contestant.stop()
    }
    return results
  }
})
