import type * as Endpoint from "@sluice/core/Endpoint"
import type { FramedError } from "@sluice/core/Framed"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { Channel, type Correlation, type Observer } from "./channel.ts"
import { type Ejection, Health } from "./health.ts"
import type { Statistics } from "./statistics.ts"

/** An endpoint as a balancer sees it. */
export interface Candidate {
  /** None where the client connects by one effect. */
  readonly endpoint: Endpoint.Endpoint | undefined
  readonly priority: number
  readonly weight: number
}

/** What all the connections of a client share. */
export interface Shared<Out, In> {
  readonly slots: { readonly release: () => void }
  readonly now: () => number
  readonly correlation: Correlation<Out, In> | undefined
  readonly connections: number
  readonly ejection: Ejection
  readonly statistics: Statistics
}

/** One endpoint of a client, with its connections. */
export class Target<in out Out, in out In, in out E> implements Observer {
  readonly endpoint: Endpoint.Endpoint | undefined
  priority: number
  weight: number
  readonly channels: ReadonlyArray<Channel<Out, In, E>>
  readonly health: Health
  readonly #statistics: Statistics
  readonly #closing = Deferred.makeUnsafe<void>()
  #isRetired = false
  /** Why it will have no connection any more. */
  over: E | FramedError | undefined = undefined

  constructor({ endpoint, priority, weight }: Candidate, shared: Shared<Out, In>) {
    this.endpoint = endpoint
    this.priority = priority
    this.weight = weight
    this.health = new Health(shared.ejection, shared.now)
    this.#statistics = shared.statistics
    this.channels = Array.from(
      { length: shared.connections },
      () => new Channel<Out, In, E>({ ...shared, observer: this })
    )
  }

  /** Completes when its connections are to be closed. */
  get closing(): Effect.Effect<void> {
    return Deferred.await(this.#closing)
  }

  get connections(): number {
    return this.channels.reduce((count, { isOpen }) => isOpen ? count + 1 : count, 0)
  }

  get pending(): number {
    return this.channels.reduce((count, { pending }) => count + pending, 0)
  }

  /** The connection with the fewest requests in flight. */
  get idlest(): Channel<Out, In, E> | undefined {
    let found: Channel<Out, In, E> | undefined
    for (const channel of this.channels) {
      if (channel.isOpen && (found === undefined || channel.pending < found.pending)) found = channel
    }
    return found
  }

  /** Whether it may get the next request. On probation it gets one request at a time. */
  get isTrusted(): boolean {
    const { state } = this.health
    return state === "healthy" || (state === "probation" && this.pending === 0)
  }

  /** Closes as soon as no request is in flight: the endpoint is no longer listed. */
  retire(): void {
    this.#isRetired = true
    this.#closeIfIdle()
  }

  close(): void {
    Deferred.doneUnsafe(this.#closing, Effect.void)
  }

  onAnswer(millis: number): void {
    this.#statistics.answer(millis)
    this.health.succeed()
    if (this.#isRetired) this.#closeIfIdle()
  }

  /** The loss of an idle connection is no failure: servers close idle connections. */
  onLoss(requests: number, reason: unknown): void {
    if (requests > 0) {
      this.#statistics.fail(reason, requests)
      this.health.fail()
    }
    if (this.#isRetired) this.#closeIfIdle()
  }

  #closeIfIdle(): void {
    if (this.pending === 0) this.close()
  }
}
