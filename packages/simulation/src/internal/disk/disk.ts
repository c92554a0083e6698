import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as PlatformError from "effect/PlatformError"
import type * as Trace from "../../Trace.ts"
import type { Alarms } from "../time/alarms.ts"
import type { Engine } from "../time/engine.ts"
import { RandomStream, type Seed } from "../time/random.ts"
import { sleep } from "../time/sleep.ts"
import type { Streams } from "../time/streams.ts"
import { type Call, Errno, NodeError, toPlatformError } from "./errno.ts"
import type { DiskOperation } from "./operation.ts"
import type { DiskSettings } from "./settings.ts"
import { Volume } from "./volume.ts"

/** What a disk needs of its machine. */
export interface Machine {
  readonly name: string
  readonly streams: Streams
  readonly engine: Engine
  /** Milliseconds since the epoch. */
  readonly wallClock: number
  readonly note: (record: Trace.Disk) => void
}

/** An operation of a program. */
export interface Request extends Call {
  readonly operation: DiskOperation
  /** What the trace calls the file. */
  readonly path: string
}

/** The disk of a host: its file system, how long operations take, and what fails. */
export class Disk {
  readonly #machine: Machine
  readonly #settings: DiskSettings
  // Directories keep their order where a run branches off.
  readonly #order: Seed
  readonly volume: Volume
  readonly #times: RandomStream
  readonly #failures: RandomStream
  /** Names temporary files. */
  readonly random: RandomStream
  /** How many times the power has failed: files that were open before are not any more. */
  crashes = 0
  /** Whether a program has used it. */
  isUsed = false
  /** How many times as long everything takes. */
  slowness = 1
  readonly #readErrors: Array<number> = []
  readonly #syncErrors: Array<number> = []
  #fills = 0
  #stalls = 0
  #stalled: Array<() => void> = []

  constructor(machine: Machine, settings: DiskSettings) {
    this.#machine = machine
    this.#settings = settings
    this.#order = machine.streams.seed
    const stream = (concern: string) => machine.streams.of(`${machine.name}/disk/${concern}`)
    this.#times = stream("times")
    this.#failures = stream("failures")
    this.random = stream("names")
    this.volume = new Volume({
      capacity: settings.capacity,
      sectorSize: settings.sectorSize,
      random: stream("write-back"),
      now: () => machine.engine.now,
      wallClock: () => machine.wallClock
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Operations
  // -------------------------------------------------------------------------------------------------------------------

  /**
   * Performs an operation of a process, at the beginning or at the end of the time that it takes: a program that is
   * interrupted cannot know which.
   */
  perform<A>(alarms: Alarms, request: Request, run: () => A): Effect.Effect<A, PlatformError.PlatformError> {
    return this.#whenAwake(alarms, () => {
      const time = this.#draw(this.#settings.latency)
      const attempt = () => this.#attempt(request, run)
      if (time === 0) return attempt()
      const wait = sleep(this.#machine.engine, alarms, time)
      if (this.#times.chance(0.5)) return Effect.andThen(wait, this.#whenAwake(alarms, attempt))
      const done = attempt()
      return Effect.andThen(wait, done)
    })
  }

  /** Syncs a file or a directory: what was written before it began is on the disk when it succeeds. */
  sync(
    alarms: Alarms,
    request: Request,
    begin: () => { readonly end: () => void; readonly fail: () => void }
  ): Effect.Effect<void, PlatformError.PlatformError> {
    return this.#whenAwake(alarms, () => {
      let writing: ReturnType<typeof begin>
      try {
        writing = begin()
      } catch (error) {
        return this.#failure(request, error)
      }
      const end = () =>
        this.#attempt(request, () => {
          if (!this.#fails(this.#syncErrors)) return writing.end()
          writing.fail()
          throw new Errno("EIO", "fsync")
        })
      const time = this.#draw(this.#settings.syncLatency)
      return Effect.andThen(sleep(this.#machine.engine, alarms, time), this.#whenAwake(alarms, end))
    })
  }

  /** Where a directory lists a name: by a hash, as ext4 does. */
  rankOf(name: string): number {
    return new RandomStream(this.#order, `${this.#machine.name}/disk/order/${name}`).bits()
  }

  /** Throws if the read fails. */
  checkRead(): void {
    if (this.#fails(this.#readErrors)) throw new Errno("EIO", "read")
  }

  #draw(most: number): number {
    return most === 0 ? 0 : Math.round(this.#times.next() * most * this.slowness)
  }

  #fails(probabilities: ReadonlyArray<number>): boolean {
    return probabilities.some((probability) => this.#failures.chance(probability))
  }

  #attempt<A>(request: Request, run: () => A): Exit.Exit<A, PlatformError.PlatformError> {
    try {
      const value = run()
      const bytes = typeof value === "number" ? value : value instanceof Uint8Array ? value.length : undefined
      this.#note(request, bytes, undefined)
      return Exit.succeed(value)
    } catch (error) {
      return this.#failure(request, error)
    }
  }

  #failure(request: Request, error: unknown): Exit.Exit<never, PlatformError.PlatformError> {
    if (!(error instanceof Errno || error instanceof NodeError)) throw error
    this.#note(request, undefined, error.code)
    return Exit.fail(toPlatformError(error, request))
  }

  #note({ operation, path }: Request, bytes: number | undefined, error: string | undefined): void {
    const { engine, name } = this.#machine
    this.#machine.note({ _tag: "Disk", at: engine.now, host: name, operation, path, bytes, error })
  }

  #whenAwake<A, E>(alarms: Alarms, body: () => Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      this.isUsed = true
      if (this.#stalls === 0) return body()
      const stalled = Effect.callback<void>((resume) => {
        const wake = () => alarms.submit(() => resume(Effect.void))
        this.#stalled.push(wake)
        return Effect.sync(() => void (this.#stalled = this.#stalled.filter((each) => each !== wake)))
      })
      return Effect.andThen(stalled, this.#whenAwake(alarms, body))
    })
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Faults. Each returns how it ends.
  // -------------------------------------------------------------------------------------------------------------------

  /** The power fails. */
  crash(): void {
    this.crashes++
    this.#stalled = []
    this.volume.crash()
  }

  slow(factor: number): () => void {
    this.slowness *= factor
    return () => void (this.slowness /= factor)
  }

  /** Operations wait until it ends. */
  stall(): () => void {
    this.#stalls++
    return () => {
      if (--this.#stalls > 0) return
      const stalled = this.#stalled
      this.#stalled = []
      for (const wake of stalled) wake()
    }
  }

  fill(): () => void {
    this.#fills++
    this.volume.isFull = true
    return () => void (this.volume.isFull = --this.#fills > 0)
  }

  failReads(probability: number): () => void {
    return during(this.#readErrors, probability)
  }

  failSyncs(probability: number): () => void {
    return during(this.#syncErrors, probability)
  }

  rot(bits: number): () => void {
    this.volume.rot(bits, this.#failures)
    return () => {}
  }
}

const during = (list: Array<number>, value: number): () => void => {
  list.push(value)
  return () => void list.splice(list.indexOf(value), 1)
}
