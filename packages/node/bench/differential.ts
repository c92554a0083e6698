/**
 * Compares the simulated network with the kernel's, over random sequences of operations; and over servers that are killed or
 * paused, full backlogs and ports that run out, in a network namespace.
 *
 * `npm run differential -- --count 10000 --from 1`
 */
import * as Effect from "effect/Effect"
import * as Assert from "node:assert/strict"
import { hasNamespaces, kernel, simulation } from "../test/differential/compareScenarios.ts"
import * as Difference from "../test/differential/Difference.ts"

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  return at === -1 ? otherwise : Number(process.argv[at + 1])
}

const count = option("count", 1000)
const from = option("from", 1)
let differences = 0
for (let seed = from; seed < from + count; seed++) {
  const difference = await Effect.runPromise(Difference.find(seed))
  if (difference === undefined) continue
  differences++
  console.log(`seed ${seed}: the kernel has "${difference.kernel}", the simulation "${difference.simulation}"`)
  console.log(difference.steps.map((step) => `  ${step}`).join("\n"))
}
console.log(`${count} sequences from seed ${from}: ${differences} differ`)

if (hasNamespaces()) {
  const observed = kernel()
  for (let seed = from; seed < from + Math.min(count, 20); seed++) {
    try {
      Assert.deepEqual(await Effect.runPromise(simulation(seed)), observed)
    } catch (error) {
      differences++
      console.log(`seed ${seed}, killed servers, full backlogs and ports: ${(error as Error).message}`)
    }
  }
  console.log("killed servers, full backlogs and ports: compared")
} else {
  console.log("killed servers, full backlogs and ports: skipped, because this machine forbids network namespaces")
}
process.exitCode = differences === 0 ? 0 : 1
