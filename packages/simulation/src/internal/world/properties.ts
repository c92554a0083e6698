import type * as Buggify from "@sluice/core/Buggify"
import type * as Property from "@sluice/core/Property"
import * as Effect from "effect/Effect"
import { CurrentProcess } from "../kernel/process.ts"
import type { RandomStream } from "../time/random.ts"
import type { Streams } from "../time/streams.ts"
import { Coverage, type Reached } from "./coverage.ts"

/** What a run has seen of a property. */
export interface Observed {
  readonly name: string
  readonly kind: Property.Kind
  /** How often the program came by. */
  readonly passed: number
  /** How often it held then. */
  readonly held: number
}

// Names that are counted; more of them are checked, and not counted.
const limit = 10_000

/** A property that was violated, or held for the first time of those that must once. */
export interface Event extends Pick<Observed, "name" | "kind"> {
  readonly isViolated: boolean
  readonly details: unknown
  /** The name of the host; empty for what runs on no host. */
  readonly host: string
}

/** Counts the properties of a run, and tells where one is violated, which ends the run. */
export class Properties implements Property.Observer {
  // `eventually` that did not hold when the program came by for the last time.
  readonly #pending = new Set<string>()
  readonly #observed = new Map<string, { -readonly [K in keyof Observed]: Observed[K] }>()
  readonly #coverage = new Coverage()
  readonly #now: () => number
  readonly #tell: (event: Event) => void

  constructor(now: () => number, tell: (event: Event) => void) {
    this.#now = now
    this.#tell = tell
  }

  get observed(): ReadonlyArray<Observed> {
    return Array.from(this.#observed.values(), (each) => ({ ...each }))
  }

  /** What the properties that must hold once have reached. */
  get reached(): ReadonlyArray<Reached> {
    return this.#coverage.reached
  }

  /** An `eventually` that does not hold. */
  get pending(): string | undefined {
    return this.#pending.values().next().value
  }

  observe(kind: Property.Kind, name: string, holds: boolean, details: unknown): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const known = this.#observed.get(name) ?? { name, kind, passed: 0, held: 0 }
      known.passed++
      if (holds) known.held++
      if (this.#observed.size < limit) this.#observed.set(name, known)
      const isOnce = kind === "sometimes" || kind === "reachable"
      const isViolated = !holds && !isOnce && kind !== "eventually"
      if (isOnce && holds) this.#coverage.reach(name, this.#now())
      if (kind === "eventually") {
        if (holds) this.#pending.delete(name)
        else if (this.#pending.size < limit) this.#pending.add(name)
      }
      if (isViolated || (isOnce && holds && known.held === 1)) {
        this.#tell({ kind, name, isViolated, details, host: fiber.getRef(CurrentProcess)?.host.name ?? "" })
      }
      return isViolated ? Effect.never : Effect.void
    })
  }
}

// As FoundationDB has it: each point is enabled in a quarter of the runs.
const enabled = 0.25

/** Decides by the seed which points fire. */
export class BuggifyPoints implements Buggify.Source {
  readonly #streams: Streams
  readonly #points = new Map<string, RandomStream | undefined>()

  constructor(streams: Streams) {
    this.#streams = streams
  }

  fires(name: string, probability: number): boolean {
    if (!this.#points.has(name)) {
      const stream = this.#streams.of(`buggify/${name}`)
      this.#points.set(name, stream.chance(enabled) ? stream : undefined)
    }
    return this.#points.get(name)?.chance(probability) ?? false
  }
}
