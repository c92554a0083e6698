/**
 * Counts what operations cost without a system below: bytes that they allocate, or leave behind, and nanoseconds.
 *
 *     npm run bench:gate                  compares the bytes with those recorded, and fails where there are more
 *     npm run bench:gate -- --record      records them
 *     npm run bench:gate -- --time        prints nanoseconds, by the optimizing compiler
 *
 * Without that compiler the bytes are the same on every machine.
 */
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Operation, type Scenario, scenarios } from "./scenarios.ts"

interface Cost {
  readonly heap: number
  readonly buffers: number
}

const recordFile = join(import.meta.dirname, "recorded.json")
// Young objects have room for everything that is measured between two collections.
const flags = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"]
const unoptimized = ["--no-opt", "--no-maglev", "--single-threaded"]

const repeat = (operation: Operation, count: number): void => {
  const before = operation.done()
  for (let i = 0; i < count; i++) operation.run()
  const done = operation.done() - before
  if (done !== count) throw new Error(`did its work ${done} times instead of ${count}`)
}

const used = (): Cost => {
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return { heap: heapUsed, buffers: arrayBuffers }
}

/** The median of some measurements: a collection may come in between. */
const cost = ({ isRetained }: Scenario, operation: Operation): Cost => {
  const count = 200
  repeat(operation, count)
  const costs = Array.from({ length: 3 }, () => {
    globalThis.gc!()
    const before = used()
    repeat(operation, count)
    if (isRetained) globalThis.gc!()
    const after = used()
    return { heap: (after.heap - before.heap) / count, buffers: (after.buffers - before.buffers) / count }
  })
  const middle = (of: (cost: Cost) => number) => Math.round(costs.map(of).sort((a, b) => a - b)[1]!)
  return { heap: middle(({ heap }) => heap), buffers: middle(({ buffers }) => buffers) }
}

/** The least of some measurements, in nanoseconds of CPU. */
const time = (operation: Operation): number => {
  const count = 2000
  for (let i = 0; i < 10; i++) repeat(operation, count)
  return Math.min(...Array.from({ length: 20 }, () => {
    const before = process.cpuUsage()
    repeat(operation, count)
    const { system, user } = process.cpuUsage(before)
    // The sum is exact; how it is divided is an estimate of the system.
    return (system + user) * 1000 / count
  }))
}

const measure = <A>(scenario: Scenario, of: (operation: Operation) => A): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(scenario.prepare, (operation) => Effect.sync(() => of(operation)))).pipe(
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  )

if (process.env.SLUICE_MEASURE === undefined) {
  const isTime = process.argv.includes("--time")
  const { status } = spawnSync(
    process.execPath,
    [...flags, ...(isTime ? [] : unoptimized), import.meta.filename, ...process.argv.slice(2)],
    { stdio: "inherit", env: { ...process.env, SLUICE_MEASURE: "here" } }
  )
  process.exit(status ?? 1)
}

const only = new RegExp(process.argv[process.argv.indexOf("--only") + 1 || Infinity] ?? "")
const wanted = scenarios.filter(({ name }) => only.test(name))

if (process.argv.includes("--time")) {
  for (const scenario of wanted.filter(({ isRetained }) => !isRetained)) {
    console.log(`${String(Math.round(await measure(scenario, time))).padStart(8)} ns   ${scenario.name}`)
  }
  process.exit()
}

const costs: Record<string, Cost> = {}
for (const scenario of wanted) costs[scenario.name] = await measure(scenario, (operation) => cost(scenario, operation))

if (process.argv.includes("--record")) {
  writeFileSync(recordFile, `${JSON.stringify(costs, undefined, 2)}\n`)
  process.exit()
}

const recorded = JSON.parse(readFileSync(recordFile, "utf8")) as Record<string, Cost>
for (const [name, { buffers, heap }] of Object.entries(costs)) {
  const before = recorded[name] ?? { heap: 0, buffers: 0 }
  // Objects have other sizes in other versions of Node; buffers do not.
  const isMore = heap > before.heap * 1.03 + 16 || buffers > before.buffers * 1.01 + 1
  const isLess = heap < before.heap * 0.95 - 16
  console.log(
    `${String(heap).padStart(8)} B heap ${String(buffers).padStart(8)} B buffers   ${name}` +
      (isMore ? `: MORE than recorded: ${before.heap} and ${before.buffers}` : isLess ? `: less; record it` : "")
  )
  if (isMore) process.exitCode = 1
}
