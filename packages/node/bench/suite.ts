import { interleave } from "./interleave.ts"
import type { Load } from "./load/generator.ts"
import { Comparison, type Metric, type Reach, type Sample } from "./report/comparison.ts"
import { canStart, type Contestant, type Server, startServer } from "./server.ts"

/** Something that is measured of every server of a suite. */
export interface Scenario {
  readonly name: string
  readonly reach?: Reach
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
  /** How many of the rounds are measured. Default: all. */
  readonly share?: number
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

/** Runs a suite. */
export const runSuite = async (suite: Suite, effort: Effort): Promise<Comparison> => {
  const contestants = suite.contestants.filter(canStart)
  const comparison = new Comparison(suite.title, contestants.map(({ name }) => name), suite.metrics)
  const scenarios = suite.scenarios.filter(({ name }) => effort.isWanted(`${suite.name}: ${name}`))
  const rounds = Math.max(1, Math.round(effort.rounds * (suite.share ?? 1)))
  if (scenarios.length === 0 || contestants.length === 0) return comparison
  if (suite.fresh === true) {
    await interleave(rounds, scenarios, contestants, async (scenario, contestant) => {
      const server = await startServer(contestant)
      comparison.add(scenario, server.name, await scenario.measure(server, effort.seconds))
      await server.stop()
    })
    return comparison
  }
  const servers = await Promise.all(contestants.map((contestant) => startServer(contestant)))
  // The compiler warms up: connections need some ten thousand.
  await interleave(2, scenarios, servers, async (scenario, server) => {
    await scenario.measure(server, 3 * effort.seconds)
  })
  const measure = async (scenario: Scenario, server: Server) => {
    comparison.add(scenario, server.name, await scenario.measure(server, effort.seconds))
  }
  if (suite.together === true) {
    for (let round = 0; round < rounds; round++) {
      for (const scenario of scenarios) await Promise.all(servers.map((server) => measure(scenario, server)))
    }
  } else await interleave(rounds, scenarios, servers, measure)
  // Observing collections costs something, and so has a round of its own.
  await interleave(1, scenarios, servers, async (scenario, server) => {
    let elapsed = 0
    const collected = await server.collecting(async () => {
      const begin = performance.now()
      await scenario.measure(server, 2 * effort.seconds)
      elapsed = performance.now() - begin
    })
    comparison.addCollections(scenario.name, server.name, collected / elapsed)
  })
  for (const server of servers) await server.stop()
  return comparison
}
