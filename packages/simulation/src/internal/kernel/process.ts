import type * as Network from "@sluice/core/Network"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as FileSystem from "effect/FileSystem"
import type * as Scheduler from "effect/Scheduler"
import { makeFileSystem } from "../disk/fileSystem.ts"
import { Gate } from "../time/gate.ts"
import type { HostState } from "./host.ts"

/** One incarnation of the programs of a host: from its start until it exits, is killed, or its machine crashes. */
export class Process {
  readonly host: HostState
  readonly gate: Gate
  /** The network as its programs see it, once one has asked. */
  network: Network.Network["Service"] | undefined = undefined
  #files: FileSystem.FileSystem | undefined = undefined
  #base: Scheduler.Scheduler | undefined = undefined
  #scheduler: Scheduler.Scheduler | undefined = undefined
  readonly #fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  #exits: (() => void) | undefined = undefined

  constructor(host: HostState) {
    this.host = host
    this.gate = new Gate(host.engine, host.time, host.name)
  }

  /** The disk of the host as its programs see it. Files that they have open are closed when it ends. */
  get files(): FileSystem.FileSystem {
    if (this.#files === undefined) {
      const { closeAll, fileSystem } = makeFileSystem(this.host.disk, this.gate)
      this.gate.onDead(closeAll)
      this.#files = fileSystem
    }
    return this.#files
  }

  /** The Scheduler of its fibers: one for all, so that they share what Effect derives from it. */
  scheduler(current: Scheduler.Scheduler, caller: Process | undefined): Scheduler.Scheduler {
    this.#base ??= (caller === undefined ? undefined : caller.#base) ?? current
    return this.#scheduler ??= this.gate.scheduler(this.#base)
  }

  /** Runs an effect in a fiber of the process. */
  fork<A, E, R>(context: Context.Context<R>, effect: Effect.Effect<A, E, R>): Fiber.Fiber<A, E> {
    let fiber: Fiber.Fiber<A, E>
    this.gate.enter(() => {
      fiber = Effect.runForkWith(context)(effect)
    })
    this.#fibers.add(fiber!)
    fiber!.addObserver(() => {
      this.#fibers.delete(fiber)
      if (this.#fibers.size === 0) this.#exits?.()
    })
    return fiber!
  }

  /** SIGTERM: interrupts all that runs, and calls back when it has ended. */
  terminate(onExit: () => void): void {
    this.#exits = onExit
    this.gate.submit(() => {
      if (this.#fibers.size === 0) return onExit()
      for (const fiber of this.#fibers) fiber.interruptUnsafe()
    })
  }
}

/** The process that a fiber runs in, if it runs on a host. */
export const CurrentProcess: Context.Reference<Process | undefined> = Context.Reference<Process | undefined>(
  "@sluice/simulation/CurrentProcess",
  { defaultValue: () => undefined }
)
