/** The connection of a client: its will, the queue of what it gets at most once, and why it ends. */
import * as Broadcast from "@sluice/core/Broadcast"
import * as Subscription from "@sluice/core/Subscription"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Message } from "./Message.ts"

/** What may wait for a slow client. It misses the messages behind that: they are delivered at most once. */
const queueOptions = { capacity: 1000, maxBytes: 1024 * 1024, overflow: "dropNewest" } as const

/** Why the broker ends a connection. */
export class Parted extends Data.TaggedError("Parted")<{ readonly message: string }> {}

/** The message to publish when the connection ends without DISCONNECT. */
export interface Will {
  readonly message: Message
  readonly isRetained: boolean
}

export class Link {
  will: Will | undefined
  /** The packets of messages that are delivered at most once. */
  readonly queue: Subscription.Subscription<Uint8Array>
  readonly #scope: Scope.Scope
  readonly #memberships = new Map<Broadcast.Broadcast<Uint8Array>, Scope.Closeable>()
  readonly #ended = Deferred.makeUnsafe<never, Parted>()

  private constructor(will: Will | undefined, queue: Subscription.Subscription<Uint8Array>, scope: Scope.Scope) {
    this.will = will
    this.queue = queue
    this.#scope = scope
  }

  /** Makes one for the connection that has the Scope. */
  static make(clientId: string, will: Will | undefined): Effect.Effect<Link, never, Scope.Scope> {
    const queue = Effect.orDie(Subscription.make<Uint8Array>({ ...queueOptions, name: clientId }))
    return Effect.zipWith(queue, Effect.scope, (queue, scope) => new Link(will, queue, scope))
  }

  /** Receives what is published to a broadcast, until `leave`. */
  join(broadcast: Broadcast.Broadcast<Uint8Array>): Effect.Effect<void> {
    if (this.#memberships.has(broadcast)) return Effect.void
    return Effect.flatMap(Scope.fork(this.#scope), (scope) => {
      this.#memberships.set(broadcast, scope)
      return Scope.provide(Broadcast.join(broadcast, this.queue), scope)
    })
  }

  leave(broadcast: Broadcast.Broadcast<Uint8Array>): Effect.Effect<void> {
    const scope = this.#memberships.get(broadcast)
    this.#memberships.delete(broadcast)
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  }

  /** Ends the connection. */
  end(why: string): void {
    Deferred.doneUnsafe(this.#ended, Effect.fail(new Parted({ message: why })))
  }

  /** Fails when the connection has to end. */
  get ended(): Effect.Effect<never, Parted> {
    return Deferred.await(this.#ended)
  }
}
