import { interleave } from "./interleave.ts"
import type { Load } from "./load/generator.ts"
import { Comparison, leastRounds, type Metric, type Reach, type Sample } from "./report/comparison.ts"
import { canStart, type Contestant, type Server, startServer } from "./server.ts"

/** Something that is measured of every server of a suite. */
export interface Scenario {
  readonly name: string
  readonly reach?: Reach
  /** How often the warm-up of the compiler is repeated: connections need some ten thousand. Default: once. */
  readonly warmups?: number
  /** Measures for some seconds, after a warm-up. */
  readonly measure: (server: Server, seconds: number) => Promise<Sample>
}

/** Servers that are compared, the baseline first, in scenarios. */
export interface Suite {
  readonly name: string
  readonly title: string
  readonly contestants: ReadonlyArray<Contestant>
  readonly metrics: ReadonlyArray<Metric>
  readonly scenarios: ReadonlyArray<Scenario>
  /** Seconds after which no further round begins, once there are enough for an interval. */
  readonly seconds: number
  /** How many rounds are measured, at most. Default: those of the effort. */
  readonly rounds?: number
  /** Whether every measurement begins with a new server. Default: `false`. */
  readonly fresh?: boolean
  /**
   * Whether the servers are measured at the same time, on one core, instead of one after the other. Other programs then
   * disturb all of them alike, and the ratios of CPU times vary less. Default: `false`.
   */
  readonly together?: boolean
}

/** How much is measured. */
export interface Effort {
  readonly rounds: number
  readonly seconds: number
  readonly isWanted: (name: string) => boolean
}

/** The metrics of an echo. */
export const loadMetrics: ReadonlyArray<Metric> = [
  { name: "CPU µs", better: "less" },
  { name: "k/s", better: "more" },
  { name: "p50 µs", better: "less" },
  { name: "p99 µs", better: "less" }
]

/** What a load generator saw, by those metrics. */
export const loadSample = ({ count, cpu, p50, p99, seconds }: Load): Sample => ({
  "CPU µs": cpu / count,
  "k/s": count / seconds / 1000,
  "p50 µs": p50,
  "p99 µs": p99
})

/** The warm-up of a measurement. */
export const warmup = (seconds: number): number => seconds / 3

/**
 * Runs a suite. Each round measures every server in every scenario, except those of which enough is known: without a reach
 * after six rounds, and otherwise when the verdicts are clear. The first server is measured as long as any other.
 */
export const runSuite = async (suite: Suite, effort: Effort): Promise<Comparison> => {
  const contestants = suite.contestants.filter(canStart)
  const comparison = new Comparison(suite.title, contestants.map(({ name }) => name), suite.metrics)
  const scenarios = suite.scenarios.filter(({ name }) => effort.isWanted(`${suite.name}: ${name}`))
  if (scenarios.length === 0 || contestants.length === 0) return comparison

  const rounds = async (measure: (scenario: Scenario, contestant: Contestant) => Promise<Sample>): Promise<void> => {
    const begin = performance.now()
    for (let round = 0; round < Math.min(suite.rounds ?? Infinity, effort.rounds); round++) {
      if (round >= leastRounds && performance.now() - begin > suite.seconds * 1000) return
      for (const scenario of scenarios) {
        const others = contestants.slice(1).filter(({ name }) => !comparison.isDecided(scenario.name, name))
        if (others.length === 0 && round > 0) continue
        const turn = async (_: Scenario, contestant: Contestant) =>
          comparison.add(scenario, contestant.name, await measure(scenario, contestant))
        const all = [contestants[0]!, ...others]
        if (suite.together === true) await Promise.all(all.map((each) => turn(scenario, each)))
        else await interleave(1, [scenario], rotated(all, round), turn)
      }
    }
  }

  if (suite.fresh === true) {
    await rounds((scenario, contestant) =>
      using(startServer(contestant), (server) => scenario.measure(server, effort.seconds))
    )
    return comparison
  }
  const servers = new Map<string, Server>()
  try {
    for (const contestant of contestants) servers.set(contestant.name, await startServer(contestant))
    const serverOf = ({ name }: Contestant): Server => servers.get(name)!
    // The compiler warms up.
    await interleave(1, scenarios, contestants, async (scenario, contestant) => {
      await scenario.measure(serverOf(contestant), 4 * (scenario.warmups ?? 1) * effort.seconds)
    })
    await rounds((scenario, contestant) => scenario.measure(serverOf(contestant), effort.seconds))
    // Observing collections costs something, and so has a round of its own.
    const collecting = contestants.filter(({ floor }) => floor === undefined)
    await interleave(1, scenarios, collecting, async (scenario, contestant) => {
      let elapsed = 0
      const collected = await serverOf(contestant).collecting(async () => {
        const begin = performance.now()
        await scenario.measure(serverOf(contestant), effort.seconds)
        elapsed = performance.now() - begin
      })
      comparison.addCollections(scenario.name, contestant.name, collected / elapsed)
    })
  } finally {
    for (const server of servers.values()) await server.stop()
  }
  return comparison
}

/** Begins with another one in each round. */
const rotated = <A>(all: ReadonlyArray<A>, round: number): ReadonlyArray<A> => {
  const first = round % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}

/** Stops the server when it has been used, whatever happens. */
export const using = async <A>(starting: Promise<Server>, use: (server: Server) => Promise<A>): Promise<A> => {
  const server = await starting
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}
