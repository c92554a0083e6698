/**
 * Compares the simulated network with the kernel's, over random sequences of operations.
 *
 * `npm run differential -- --count 10000 --from 1`
 */
import * as Effect from "effect/Effect"
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
process.exitCode = differences === 0 ? 0 : 1
