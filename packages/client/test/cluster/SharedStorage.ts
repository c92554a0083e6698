/** The storage that the runners of a cluster share, in memory. */
import * as Host from "@sluice/simulation/Host"
import * as Clock from "effect/Clock"
import { PersistenceError } from "effect/cluster/ClusterError"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Snowflake from "effect/cluster/Snowflake"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const expiration = 35_000

/** How a runner reaches what is shared. */
export interface Reach {
  readonly reach: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | PersistenceError, R>
}

/** It is there. */
export const near: Reach = { reach: (effect) => effect }

/**
 * One life of a host, from its start to its crash. What a program does while it is torn down after a crash must not show:
 * a machine that is down cannot tidy up, not even once it is up again.
 */
export class Life implements Reach {
  isOver = false
  readonly #host: Host.Host

  constructor(host: Host.Host) {
    this.#host = host
  }

  /** Reaches what is not on the host, as long as the host lives. */
  reach<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | PersistenceError, R> {
    return Effect.suspend((): Effect.Effect<A, E | PersistenceError, R> =>
      this.isOver || !Host.isUp(this.#host)
        ? Effect.fail(new PersistenceError({ cause: new Error(`${this.#host.name} is down`) }))
        : effect
    )
  }
}

/**
 * The table of runners and of shard locks, as `SqlRunnerStorage` keeps it: a runner that has not been heard of for 35
 * seconds is gone, and its locks are anybody's. (`RunnerStorage.makeMemory` is for one runner: it gives everybody every
 * lock.)
 */
export class RunnerTable {
  readonly runners = new Map<string, { readonly runner: string; healthy: boolean; heartbeat: number }>()
  readonly locks = new Map<string, { readonly owner: string; readonly since: number }>()
  #lastId = 0
  readonly #waiting = new Set<() => void>()

  /** Waits until something holds of the locks. */
  until(holds: () => boolean): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const look = () => {
        if (!holds()) return
        this.#waiting.delete(look)
        resume(Effect.void)
      }
      this.#waiting.add(look)
      look()
      return Effect.sync(() => void this.#waiting.delete(look))
    })
  }

  #changed(): void {
    for (const look of this.#waiting) look()
  }

  owners(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { owner } of this.locks.values()) counts[owner] = (counts[owner] ?? 0) + 1
    return counts
  }

  /** The storage as a runner reaches it. */
  of(runner: Reach): RunnerStorage.RunnerStorage["Service"] {
    const table = <A>(use: (now: number) => A) => runner.reach(Effect.map(Clock.currentTimeMillis, use))
    const take = (owner: string, shards: Iterable<string>, now: number, isMine: (owner: string) => boolean) => {
      const taken: Array<string> = []
      for (const shard of shards) {
        const lock = this.locks.get(shard)
        if (lock !== undefined && lock.owner !== owner && now - lock.since <= expiration) continue
        if (!isMine(lock?.owner ?? "")) continue
        this.locks.set(shard, { owner, since: now })
        taken.push(shard)
      }
      this.#changed()
      return taken
    }
    return RunnerStorage.makeEncoded({
      getRunners: table((now) =>
        [...this.runners.values()]
          .filter(({ heartbeat }) => now - heartbeat < expiration)
          .map(({ healthy, runner }) => [runner, healthy] as const)
      ),
      register: (address, runner, healthy) =>
        table((now) => {
          this.runners.set(address, { runner, healthy, heartbeat: now })
          return ++this.#lastId
        }),
      unregister: (address) => table(() => void this.runners.delete(address)),
      setRunnerHealth: (address, healthy) =>
        table(() => {
          const runner = this.runners.get(address)
          if (runner !== undefined) runner.healthy = healthy
        }),
      acquire: (address, shards) => table((now) => take(address, shards, now, () => true)),
      refresh: (address, shards) =>
        table((now) => {
          const runner = this.runners.get(address)
          if (runner !== undefined) runner.heartbeat = now
          return take(address, shards, now, (owner) => owner === address)
        }),
      release: (address, shard) =>
        table(() => {
          if (this.locks.get(shard)?.owner === address) this.locks.delete(shard)
          this.#changed()
        }),
      releaseAll: (address) =>
        table(() => {
          for (const [shard, { owner }] of this.locks) if (owner === address) this.locks.delete(shard)
          this.#changed()
        })
    })
  }
}

/** What has been sent and not yet been answered, as a runner reaches it: Effect's own storage in memory, shared. */
export const messages = (
  driver: MessageStorage.MemoryDriver["Service"],
  runner: Reach
): Layer.Layer<MessageStorage.MessageStorage> => {
  const guarded = Object.fromEntries(
    Object.entries(driver.encoded).map(([name, member]) => [
      name,
      typeof member === "function"
        ? (...args: ReadonlyArray<never>) =>
          runner.reach((member as unknown as (...args: ReadonlyArray<never>) => never)(...args))
        : runner.reach(member as never)
    ])
  ) as unknown as MessageStorage.Encoded
  return Layer.effect(MessageStorage.MessageStorage)(MessageStorage.makeEncoded(guarded)).pipe(
    Layer.provide(Snowflake.layerGenerator)
  )
}
