import { plural } from "../text/plural.ts"
import type { Seed } from "../time/random.ts"
import { append, terminal } from "./platform.ts"
import type { Trial } from "./trial.ts"

// Milliseconds between two lines.
const pause = 200

/** Counts what an exploration has found, and tells it: a line on a terminal, and a file of results. */
export class Progress {
  readonly #file: string | undefined
  readonly #met = new Map<string, boolean>()
  readonly #kinds = new Map<string, number>()
  #told = -Infinity
  runs = 0

  constructor(file: string | undefined) {
    this.#file = file
  }

  /** The names of the properties that must hold in some run, and have held in none. */
  get unmet(): ReadonlyArray<string> {
    return [...this.#met].flatMap(([name, isMet]) => isMet ? [] : [name])
  }

  /** Takes the result of a seed, `elapsed` milliseconds after the exploration began. */
  take(trial: Trial, elapsed: number): void {
    this.runs++
    for (const { held, kind, name } of trial.properties) {
      if (kind === "sometimes" || kind === "reachable") this.#met.set(name, this.#met.get(name) === true || held > 0)
    }
    const { failure, signature } = trial
    if (signature !== undefined) this.#kinds.set(signature, (this.#kinds.get(signature) ?? 0) + 1)
    const { faults, seed, steps } = trial
    this.#write({ seed, failure, faults, steps, elapsed: trial.elapsed })
    if (elapsed - this.#told < pause) return
    this.#told = elapsed
    this.#show(this.describe(elapsed))
  }

  /** Tells how far the faults of a failure are shrunk. */
  shrinking(seed: Seed, from: number, to: number, attempts: number): void {
    this.#show(`seed ${seed}: ${plural(from, "fault")} -> ${to}, ${plural(attempts, "run")}`)
  }

  shrunk(seed: Seed, faults: unknown, parameters: unknown): void {
    this.#write({ seed, faults, parameters })
  }

  /** `120 seeds, 41/s, 2 of 3 properties met, 1 failure of 1 kind`. */
  describe(elapsed: number): string {
    const rate = elapsed > 0 ? `, ${(this.runs * 1000 / elapsed).toPrecision(2)}/s` : ""
    const met = this.#met.size === 0
      ? ""
      : `, ${this.#met.size - this.unmet.length} of ${this.#met.size} properties met`
    const count = [...this.#kinds.values()].reduce((sum, each) => sum + each, 0)
    const failures = count === 0 ? "" : `, ${plural(count, "failure")} of ${plural(this.#kinds.size, "kind")}`
    return `${plural(this.runs, "seed")}${rate}${met}${failures}`
  }

  /** Ends the line. */
  end(): void {
    if (this.#told !== -Infinity) terminal?.write("\r\u001b[K")
  }

  #show(line: string): void {
    terminal?.write(`\r\u001b[K${line}`)
  }

  #write(result: unknown): void {
    if (this.#file !== undefined) append(this.#file, `${JSON.stringify(result)}\n`)
  }
}
