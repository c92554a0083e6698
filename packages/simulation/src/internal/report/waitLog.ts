import * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"
import type * as Trace from "../../Trace.ts"
import type { Writable } from "../fabric/packet.ts"
import { CurrentProcess } from "../kernel/process.ts"
import type { VirtualTime } from "../time/virtualTime.ts"
import type { Watch } from "../time/watch.ts"
import type { World } from "../world/world.ts"
import { describeFiber, describeSockets } from "./deadlockReport.ts"

// Changes that are kept, and spans: the last ones.
const changeLimit = 20_000
const spanLimit = 5000

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** Records what each fiber and each socket waits for, whenever that changes, from a time on; and spans. */
export class WaitLog implements Watch {
  readonly #time: VirtualTime
  readonly #from: number
  #world: World | undefined = undefined
  #hasBegun = false
  readonly #ran = new Set<AnyFiber>()
  readonly #sleepers = new WeakMap<AnyFiber, number>()
  // What each waits for now, and what it waited for at the first change that is kept.
  readonly #current = new Map<string, Trace.Wait>()
  readonly #base = new Map<string, Trace.Wait>()
  #changes: Array<Trace.Wait> = []
  #spans: Array<Writable<Trace.Span>> = []

  /** `from` is in microseconds. */
  constructor(time: VirtualTime, from: number) {
    this.#time = time
    this.#from = from
  }

  begin(world: World): void {
    this.#world = world
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Waiting
  // -------------------------------------------------------------------------------------------------------------------

  ran(fiber: AnyFiber): void {
    this.#sleepers.delete(fiber)
    this.#ran.add(fiber)
  }

  sleeps(until: number): void {
    const fiber = Fiber.getCurrent()
    if (fiber !== undefined) this.#sleepers.set(fiber, until)
  }

  settle(): void {
    const world = this.#world
    const ran = this.#ran
    if (world !== undefined && !world.hasEnded && this.#time.now >= this.#from) {
      if (!this.#hasBegun) {
        this.#hasBegun = true
        for (const fiber of this.#time.fibers) ran.add(fiber)
      }
      for (const fiber of ran) this.#lookAtFiber(fiber, world)
      this.#lookAtSockets(world)
    }
    ran.clear()
  }

  #lookAtFiber(fiber: AnyFiber, world: World): void {
    const { awaitsPromise, id, name } = describeFiber(fiber, this.#time.promised.has(fiber))
    const host = fiber.getRef(CurrentProcess)?.host.name ?? ""
    const until = this.#sleepers.get(fiber)
    const state = awaitsPromise
      ? "waits for a promise"
      : until === undefined
      ? "waits for a socket or another fiber"
      : `sleeps until ${(until / 1e6).toFixed(6)} s`
    this.#note(`fiber ${id}`, world, {
      host,
      kind: "fiber",
      name: name ?? `fiber ${id}`,
      state: fiber.pollUnsafe() === undefined ? state : undefined
    })
  }

  #lookAtSockets(world: World): void {
    const seen = new Set<string>()
    for (const { host, name, waitsFor } of describeSockets(world)) {
      const [socket, state] = name.split(", ")
      const key = `${host} ${socket}`
      seen.add(key)
      this.#note(key, world, {
        host,
        kind: "socket",
        name: socket!,
        state: `${state === undefined ? "" : `${state}, `}${waitsFor}`
      })
    }
    for (const [key, wait] of this.#current) {
      if (wait.kind === "socket" && !seen.has(key)) this.#note(key, world, { ...wait, state: undefined })
    }
  }

  #note(key: string, world: World, wait: Pick<Trace.Wait, "host" | "kind" | "name" | "state">): void {
    const known = this.#current.get(key)
    if (known?.state === wait.state && (known === undefined || known.name === wait.name)) return
    const change = { ...wait, at: this.#time.now, position: world.recorded, key }
    if (wait.state === undefined) this.#current.delete(key)
    else this.#current.set(key, change)
    this.#changes.push(change)
    if (this.#changes.length < 2 * changeLimit) return
    for (const each of this.#changes.slice(0, -changeLimit)) {
      if (each.state === undefined) this.#base.delete(each.key)
      else this.#base.set(each.key, each)
    }
    this.#changes = this.#changes.slice(-changeLimit)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Spans
  // -------------------------------------------------------------------------------------------------------------------

  /** A tracer that makes the spans of another, and records when they begin and end. */
  tracer(tracer: Tracer.Tracer): Tracer.Tracer {
    return { ...tracer, span: (options) => this.#record(tracer.span(options)) }
  }

  #record(span: Tracer.Span): Tracer.Span {
    const world = this.#world
    if (world === undefined) return span
    const entry: Writable<Trace.Span> = {
      at: this.#time.now,
      until: undefined,
      position: world.recorded,
      endPosition: undefined,
      host: Fiber.getCurrent()?.getRef(CurrentProcess)?.host.name ?? "",
      name: span.name,
      hasFailed: false
    }
    this.#spans.push(entry)
    if (this.#spans.length >= 2 * spanLimit) this.#spans = this.#spans.slice(-spanLimit)
    const end = span.end.bind(span)
    return Object.assign(span, {
      end: (time: bigint, exit: Parameters<typeof end>[1]) => {
        if (!world.hasEnded) {
          entry.until = this.#time.now
          entry.endPosition = world.recorded
          entry.hasFailed = exit._tag === "Failure"
        }
        end(time, exit)
      }
    })
  }

  get snapshot(): Required<Pick<Trace.Trace, "waits" | "spans">> {
    return {
      waits: [...this.#base.values(), ...this.#changes],
      spans: this.#spans.slice(-spanLimit).map((each) => ({ ...each }))
    }
  }
}
