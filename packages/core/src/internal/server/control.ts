import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Endpoint from "../../Endpoint.ts"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Server from "../../Server.ts"
import * as ServerEvent from "../../ServerEvent.ts"
import type * as ServerPolicy from "../../ServerPolicy.ts"
import { checkAcceptPolicy } from "../accept/acceptPolicy.ts"
import type { ListenerState } from "../accept/listener.ts"
import { monotonicMillis } from "../time/monotonic.ts"
import type { Events } from "./eventHub.ts"
import { checkPolicy, type Policy } from "./policy.ts"
import { accepted, type Serving } from "./runConnection.ts"
import type { Sessions } from "./sessionTable.ts"

/** The time between two `Full` events. */
const tellFullEvery = "1 minute"

/** What a server consists of, and what it starts with. */
interface Parts {
  readonly listener: ListenerState
  readonly sessions: Sessions
  readonly serving: Serving
  readonly events: Events
  readonly clock: Clock.Clock
  readonly state: SubscriptionRef.SubscriptionRef<Server.State>
  readonly options: Server.Options
  readonly policy: Policy
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

/** What a server is doing and allows now, and how that is changed while it runs. */
export class Control {
  readonly #parts: Parts
  readonly #listening: ServerEvent.Listening
  #options: Server.Options
  #policy: Policy
  // What `state` says, known at once; and the event that began it, unless it is the first.
  #phase: Server.State = "listening"
  #fullWatcher: Fiber.Fiber<void> | undefined = undefined
  #begun: ServerEvent.Suspended | ServerEvent.Draining | undefined = undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#options = parts.options
    this.#policy = parts.policy
    this.#listening = new ServerEvent.Listening(this.#parts.events.common())
    this.#parts.events.emit(this.#listening)
    this.#checkDescriptors()
  }

  // Each connection takes a descriptor, also while it waits.
  #checkDescriptors(): void {
    const { backlog, descriptorLimit: limit } = this.#parts.listener
    const needed = this.#policy.maxConnections + backlog
    if (limit === undefined || needed <= limit || needed === Infinity) return
    this.#parts.events.emit(new ServerEvent.DescriptorsShort({ ...this.#parts.events.common(), needed, limit }))
  }

  get policy(): Policy {
    return this.#policy
  }

  /** Takes the connections that wait, as far as the limits allow. Handlers begin here, and may change these. */
  readonly admit = (): void => {
    const listener = this.#parts.listener
    while (listener.waiting > 0 && this.#phase === "listening") {
      if (!this.#isFull()) this.#parts.serving.begin(listener.take()!, this.#policy)
      else {
        this.#tellFull()
        if (this.#policy.whenFull === "wait") break
        listener.refuse("maxConnections")
      }
    }
    this.#leaveRest()
  }

  // Leaves further connections to the system when there is no room. Whether any wait there is not known.
  #leaveRest(): void {
    const { maxConnections, whenFull } = this.#policy
    const room = whenFull === "refuse" ? Infinity : maxConnections - this.#parts.sessions.size
    const isListening = this.#phase === "listening"
    this.#parts.listener.room = isListening ? room : 0
    if (isListening && room <= 0 && this.#parts.listener.canHold) this.#tellFull()
  }

  #isFull(): boolean {
    return this.#parts.sessions.size >= this.#policy.maxConnections
  }

  // Now, and once a minute while connections still wait.
  #tellFull(): void {
    if (this.#fullWatcher !== undefined) return
    this.#emitFull()
    const look: Effect.Effect<void> = Effect.flatMap(Effect.sleep(tellFullEvery), () => {
      const { canHold, waiting } = this.#parts.listener
      if (this.#phase !== "listening" || !this.#isFull() || (waiting === 0 && !canHold)) {
        this.#fullWatcher = undefined
        return Effect.void
      }
      this.#emitFull()
      return look
    })
    this.#fullWatcher = this.#parts.run(look)
  }

  #emitFull(): void {
    const waiting = this.#parts.listener.waiting
    this.#parts.events.emit(
      new ServerEvent.Full({ ...this.#parts.events.common(), open: this.#parts.sessions.size, waiting })
    )
  }

  readonly waiting: Effect.Effect<number> = Effect.sync(() => this.#parts.listener.waiting)

  readonly connections: Effect.Effect<ReadonlyArray<Server.OpenConnection>> = Effect.sync(() => {
    const now = monotonicMillis(this.#parts.clock)
    return this.#parts.sessions.all.map((session) => session.describe(now))
  })

  /** The state of the server, as the events that led to it; and then what happens. */
  get events(): Stream.Stream<ServerEvent.ServerEvent> {
    return this.#parts.events.stream(() => [
      this.#listening,
      ...this.#parts.sessions.all.map((session) => accepted(this.#parts.events, session)),
      ...(this.#begun === undefined ? [] : [this.#begun])
    ])
  }

  close(id: number): Effect.Effect<boolean> {
    return Effect.sync(() => {
      const session = this.#parts.sessions.all.find(({ connection }) => connection.id === id)
      session?.interrupt("closed")
      return session !== undefined
    })
  }

  // The phase by then: a subscriber may have caused the next change already.
  get #tell(): Effect.Effect<void> {
    return SubscriptionRef.update(this.#parts.state, () => this.#phase)
  }

  readonly suspend: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#phase !== "listening") return Effect.void
    this.#phase = "suspended"
    this.#begun = new ServerEvent.Suspended(this.#parts.events.common())
    this.#parts.events.emit(this.#begun)
    this.#leaveRest()
    return this.#tell
  })

  readonly resume: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#phase !== "suspended") return Effect.void
    this.#phase = "listening"
    this.#begun = undefined
    this.#parts.events.emit(new ServerEvent.Resumed(this.#parts.events.common()))
    this.admit()
    return this.#tell
  })

  update(changes: ServerPolicy.ServerPolicy): Effect.Effect<void, NetworkError.NetworkError> {
    return Effect.gen({ self: this }, function*() {
      const options = { ...this.#options, ...changes }
      const where = Endpoint.formatInput(options.listen)
      const policy = yield* Effect.fromResult(checkPolicy(options, where))
      const acceptPolicy = yield* Effect.fromResult(checkAcceptPolicy(options, "configure", where))
      this.#options = options
      this.#policy = policy
      this.#parts.listener.accessControl.update(acceptPolicy)
      if (changes.maxConnections !== undefined) this.#checkDescriptors()
      for (const session of this.#parts.sessions.all) this.#parts.serving.watch(session, policy)
      this.admit()
    })
  }

  /** The server begins to drain. */
  readonly drain: Effect.Effect<void> = Effect.suspend(() => {
    this.#phase = "draining"
    this.#fullWatcher?.interruptUnsafe()
    this.#begun = new ServerEvent.Draining({
      ...this.#parts.events.common(),
      open: this.#parts.sessions.size,
      grace: Duration.millis(this.#policy.drainGrace)
    })
    this.#parts.events.emit(this.#begun)
    return this.#tell
  })

  /** The server has drained. Its last event. */
  end(drained: Server.Drained): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#phase = "closed"
      return Effect.andThen(
        this.#tell,
        this.#parts.events.end(new ServerEvent.Drained({ ...this.#parts.events.common(), ...drained }))
      )
    })
  }
}
