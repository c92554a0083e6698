import { interval, median, ratios } from "./statistics.ts"

/** A value that is measured: its name is that of a column. */
export interface Metric {
  readonly name: string
  readonly better: "more" | "less"
}

/** The values of one measurement, by metric. */
export type Sample = Readonly<Record<string, number>>

/** The ratios to the first server that are to be reached: by server, and by metric. */
export type Reach = Readonly<Record<string, Sample>>

/** Whether a reach is met, as far as the spread allows a statement. */
export type Verdict = "met" | "missed" | "open"

/** What was measured of one metric of a server in one scenario. */
export interface Summary {
  readonly median: number
  /** The median of the rounds' ratios to the first server, and between which ratios it lies. */
  readonly ratio: number
  readonly low: number
  readonly high: number
  readonly reach?: number
  readonly verdict?: Verdict
}

// With this doubt, six values are an interval: their whole range. A row that may end in each of several rounds needs a
// smaller doubt than one that is judged once.
const doubtOfEnd = 1 / 32

/** The least number of rounds after which a row can be decided. */
export const leastRounds = 6

/** Servers that are compared in scenarios. The first server is the baseline of the others. */
export class Comparison {
  readonly title: string
  readonly servers: ReadonlyArray<string>
  readonly metrics: ReadonlyArray<Metric>
  readonly #scenarios = new Map<string, Reach>()
  readonly #samples = new Map<string, Array<Sample>>()
  readonly #collections = new Map<string, number>()

  constructor(title: string, servers: ReadonlyArray<string>, metrics: ReadonlyArray<Metric>) {
    this.title = title
    this.servers = servers
    this.metrics = metrics
  }

  add(scenario: { readonly name: string; readonly reach?: Reach }, server: string, sample: Sample): void {
    this.#scenarios.set(scenario.name, scenario.reach ?? {})
    this.#samplesOf(scenario.name, server).push(sample)
  }

  /** Notes the share of time that a server spent on garbage collection. */
  addCollections(scenario: string, server: string, share: number): void {
    this.#collections.set(keyOf(scenario, server), share)
  }

  get scenarios(): ReadonlyArray<string> {
    return [...this.#scenarios.keys()]
  }

  collections(scenario: string, server: string): number | undefined {
    return this.#collections.get(keyOf(scenario, server))
  }

  summary(scenario: string, server: string, { better, name }: Metric, doubt?: number): Summary {
    const of = (each: string) => this.#samplesOf(scenario, each).map((sample) => sample[name]!)
    const values = of(server)
    const perRound = ratios(values, of(this.servers[0]!))
    const [low, high] = interval(perRound, doubt)
    const reach = this.#scenarios.get(scenario)?.[server]?.[name]
    const summary = { median: median(values), ratio: median(perRound), low, high }
    if (reach === undefined) return summary
    const isMet = better === "less" ? high <= reach : low >= reach
    const isMissed = better === "less" ? low > reach : high < reach
    return { ...summary, reach, verdict: isMet ? "met" : isMissed ? "missed" : "open" }
  }

  /** Whether more rounds would not change what the table says of a server: it has enough, and no verdict is open. */
  isDecided(scenario: string, server: string): boolean {
    return this.#samplesOf(scenario, server).length >= leastRounds &&
      this.metrics.every((metric) => this.summary(scenario, server, metric, doubtOfEnd).verdict !== "open")
  }

  toJSON() {
    return {
      title: this.title,
      servers: this.servers,
      scenarios: Object.fromEntries(this.scenarios.map((scenario) => [
        scenario,
        Object.fromEntries(this.servers.map((server) => [server, {
          ...Object.fromEntries(this.metrics.map((metric) => [metric.name, this.summary(scenario, server, metric)])),
          collections: this.collections(scenario, server)
        }]))
      ]))
    }
  }

  #samplesOf(scenario: string, server: string): Array<Sample> {
    const key = keyOf(scenario, server)
    let samples = this.#samples.get(key)
    if (samples === undefined) this.#samples.set(key, samples = [])
    return samples
  }
}

const keyOf = (scenario: string, server: string): string => JSON.stringify([scenario, server])
