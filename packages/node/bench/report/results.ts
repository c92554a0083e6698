import { median, ratios, spread } from "./statistics.ts"

/** A row of the table: what is measured. */
export interface Row {
  readonly name: string
  readonly unit: string
  readonly better: "more" | "less"
}

/** What was measured: for each row and server, a value a round. The first server is what the others are compared to. */
export class Results {
  readonly rows: ReadonlyArray<Row>
  readonly servers: ReadonlyArray<string>
  readonly #values = new Map<string, Array<number>>()

  constructor(rows: ReadonlyArray<Row>, servers: ReadonlyArray<string>) {
    this.rows = rows
    this.servers = servers
  }

  add(row: Row, server: string, value: number): void {
    this.#of(row, server).push(value)
  }

  #of(row: Row, server: string): Array<number> {
    const key = JSON.stringify([row.name, server])
    let values = this.#values.get(key)
    if (values === undefined) this.#values.set(key, values = [])
    return values
  }

  /** The median, its ratio to the first server's, and how far that ratio varied. */
  summary(row: Row, server: string) {
    const values = this.#of(row, server)
    const perRound = ratios(values, this.#of(row, this.servers[0]!))
    return { values, median: median(values), ratio: median(perRound), spread: spread(perRound) }
  }

  toJSON() {
    return this.rows.map((row) => ({
      ...row,
      servers: Object.fromEntries(this.servers.map((server) => [server, this.summary(row, server)]))
    }))
  }
}
