import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as AcceptPolicy from "../../AcceptPolicy.ts"
import * as Endpoint from "../../Endpoint.ts"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Server from "../../Server.ts"
import * as ServerEvent from "../../ServerEvent.ts"
import * as ServerPolicy from "../../ServerPolicy.ts"
import type { ListenerState } from "../accept/listener.ts"
import type { Events } from "./eventHub.ts"
import { accepted, type Serving } from "./runConnection.ts"
import type { Sessions } from "./sessionTable.ts"

/** What a server is doing and allows now, and how that is changed while it runs. */
export class Control {
  readonly #listener: ListenerState
  readonly #sessions: Sessions
  readonly #events: Events
  readonly #clock: Clock.Clock
  readonly #state: SubscriptionRef.SubscriptionRef<Server.State>
  readonly #listening: ServerEvent.Listening
  #options: Server.Options
  #policy: ServerPolicy.Policy
  #serving: Serving | undefined = undefined
  // What `state` says, known at once; and the event that began it, if it is not the first.
  #phase: Server.State = "listening"
  #begun: ServerEvent.Suspended | ServerEvent.Draining | undefined = undefined

  constructor(parts: {
    readonly listener: ListenerState
    readonly sessions: Sessions
    readonly events: Events
    readonly clock: Clock.Clock
    readonly state: SubscriptionRef.SubscriptionRef<Server.State>
    readonly options: Server.Options
    readonly policy: ServerPolicy.Policy
  }) {
    this.#listener = parts.listener
    this.#sessions = parts.sessions
    this.#events = parts.events
    this.#clock = parts.clock
    this.#state = parts.state
    this.#options = parts.options
    this.#policy = parts.policy
    this.#listening = new ServerEvent.Listening(this.#events.common())
  }

  get policy(): ServerPolicy.Policy {
    return this.#policy
  }

  /** Begins to take connections. */
  open(serving: Serving): void {
    this.#serving = serving
    this.#events.emit(this.#listening)
    this.#listener.onArrival = this.#sessions.onEnd = () => this.#admit()
    this.#admit()
  }

  // Takes the connections that wait, as far as the policy's limits allow. Handlers begin here, and may change these.
  #admit(): void {
    const listener = this.#listener
    const sessions = this.#sessions
    while (listener.next !== undefined && this.#phase === "listening") {
      const { maxConnections, maxConnectionsPerAddress, whenFull } = this.#policy
      const full = sessions.size >= maxConnections
      if (full && whenFull === "wait") return
      const source = maxConnectionsPerAddress === undefined
        ? undefined
        : listener.gate.sourceOf(listener.next.remoteAddress)
      if (full) listener.refuse("maxConnections")
      else if (source !== undefined && sessions.from(source) >= maxConnectionsPerAddress!) {
        listener.refuse("maxConnectionsPerAddress")
      } else this.#serving!.begin(listener.take()!, source)
    }
  }

  readonly connections: Effect.Effect<ReadonlyArray<Server.OpenConnection>> = Effect.sync(() => {
    const now = this.#clock.currentTimeMillisUnsafe()
    return this.#sessions.all.map((session) => session.describe(now))
  })

  /** How things stand, as the events that led there; and what happens then. */
  get events(): Stream.Stream<ServerEvent.ServerEvent> {
    return this.#events.stream(() => [
      this.#listening,
      ...this.#sessions.all.map((session) => accepted(this.#events, session)),
      ...(this.#begun === undefined ? [] : [this.#begun])
    ])
  }

  close(id: number): Effect.Effect<boolean> {
    return Effect.sync(() => {
      const session = this.#sessions.get(id)
      session?.interrupt("closed")
      return session !== undefined
    })
  }

  // What is so by then: whoever hears of a change may have made the next one already.
  get #tell(): Effect.Effect<void> {
    return SubscriptionRef.update(this.#state, () => this.#phase)
  }

  readonly suspend: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#phase !== "listening") return Effect.void
    this.#phase = "suspended"
    this.#begun = new ServerEvent.Suspended(this.#events.common())
    this.#events.emit(this.#begun)
    return this.#tell
  })

  readonly resume: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#phase !== "suspended") return Effect.void
    this.#phase = "listening"
    this.#begun = undefined
    this.#events.emit(new ServerEvent.Resumed(this.#events.common()))
    this.#admit()
    return this.#tell
  })

  update(changes: Server.Limits): Effect.Effect<void, NetworkError.NetworkError> {
    return Effect.suspend(() => {
      const options = { ...this.#options, ...changes }
      const where = Endpoint.formatInput(options.listen)
      return Effect.flatMap(
        Effect.fromResult(ServerPolicy.check(options, where)),
        (policy) =>
          Effect.map(Effect.fromResult(AcceptPolicy.check(options, "configure", where)), (acceptPolicy) => {
            this.#options = options
            this.#policy = policy
            const { gate } = this.#listener
            gate.update(acceptPolicy)
            this.#sessions.recount(({ connection }) =>
              policy.maxConnectionsPerAddress === undefined ? undefined : gate.sourceOf(connection.remoteAddress)
            )
            for (const session of this.#sessions.all) this.#serving!.watch(session)
            this.#admit()
          })
      )
    })
  }

  /** Says that the server drains. */
  readonly drain: Effect.Effect<void> = Effect.suspend(() => {
    this.#phase = "draining"
    this.#begun = new ServerEvent.Draining({ ...this.#events.common(), open: this.#sessions.size })
    this.#events.emit(this.#begun)
    return this.#tell
  })

  /** Says that it has drained, which is the last that is heard of it. */
  end(drained: Server.Drained): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#phase = "closed"
      return Effect.andThen(
        this.#tell,
        this.#events.end(new ServerEvent.Drained({ ...this.#events.common(), ...drained }))
      )
    })
  }
}
