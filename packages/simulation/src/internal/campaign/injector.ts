import type { Event } from "../time/eventQueue.ts"
import type { Description } from "../world/faultDescription.ts"
import type { World } from "../world/world.ts"
import { Moments } from "./moments.ts"

/**
 * Injects faults by events of the network, not by fibers: so the faults of a run can be replayed, or left out one by one,
 * without another order of the tasks of its programs.
 */
export class Injector {
  readonly world: World
  readonly moments: Moments
  readonly #events = new Set<Event>()

  constructor(world: World) {
    this.world = world
    this.moments = new Moments(world.streams.of("campaign/moments"))
    const onArrival: World["onArrival"] = (packet, to) => {
      const from = world.hosts.get(packet.from.name)
      if (from !== undefined && from !== to) this.moments.arrived({ from, to }, packet.payload, world.engine.now)
    }
    world.onArrival = onArrival
  }

  /** Runs at a time, in microseconds, before all else that happens then. Returns how it is canceled. */
  at(at: number, run: () => void): () => void {
    const event: Event = {
      place: -1,
      isFirst: true,
      run: () => {
        this.#events.delete(event)
        run()
      }
    }
    this.#events.add(event)
    this.world.engine.schedule(event, Math.round(at))
    return () => {
      if (this.#events.delete(event)) this.world.engine.cancel(event)
    }
  }

  /** Begins a fault now. */
  begin({ amount, hosts, kind, others, tls }: Description, until: number | undefined, onEnd?: () => void): void {
    const { engine, faults } = this.world
    const after = this.moments.before([...hosts, ...others ?? []], engine.now)
    const active = faults.begin({ amount, hosts, kind, others, tls }, until, after)
    if (until === undefined) return
    this.at(until, () => {
      onEnd?.()
      faults.end(active)
    })
  }

  /** Injects nothing more, and ends all faults. */
  stop(): void {
    for (const event of this.#events) this.world.engine.cancel(event)
    this.#events.clear()
    this.moments.clear()
    this.world.onArrival = undefined
    this.world.faults.cutShort()
  }
}
