import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as NetworkError from "../../NetworkError.ts"
import type * as ServerPolicy from "../../ServerPolicy.ts"
import type * as Transport from "../../Transport.ts"
import { formatPeer } from "../address/peerAddress.ts"
import { Chain, type Link } from "../collection/chain.ts"
import { monotonicMillis } from "../time/monotonic.ts"
import { untilDue } from "../time/untilDue.ts"

/** Why a connection is not served. */
type Obstacle = NetworkError.NetworkError | ServerPolicy.Refusal

/** Turns an accepted stream into the one to continue with. When it fails or is interrupted, it has closed the stream. */
export type Step = (
  transport: Transport.StreamTransport
) => Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError>

/** A connection that is not ready to be served yet. The listener decides what follows. */
export interface Entrant {
  /** The stream as the platform accepted it. */
  readonly accepted: Transport.StreamTransport
  /** A step has turned the stream into `next`: answers why it must not continue, if so. */
  readonly onStep: (next: Transport.StreamTransport) => ServerPolicy.Refusal | undefined
  readonly onReady: (transport: Transport.StreamTransport) => void
  /** The stream is closed, or about to be: the handshake failed, or was given up because of a limit. */
  readonly onFailed: (why: Obstacle) => void
}

interface Handshake extends Link<Handshake> {
  readonly entrant: Entrant
  readonly since: number
  /** What the steps so far have made of the stream. */
  current: Transport.StreamTransport
  fiber: Fiber.Fiber<void, Obstacle> | undefined
}

/**
 * What happens between the platform's accept and the listener's queue: steps that need to talk with the peer first, such as
 * a TLS handshake. Each connection runs them on a fiber of its own, within one deadline, so that a peer that does not
 * answer delays no other.
 */
export class HandshakePhase {
  readonly #steps: ReadonlyArray<Step>
  readonly #timeout: number
  readonly #clock: Clock.Clock
  readonly #run: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  // From the oldest to the newest: the first deadline is that of the first.
  readonly #handshakes = new Chain<Handshake>()
  #watcher: Fiber.Fiber<void> | undefined = undefined
  #onFinished: () => void = () => {}

  constructor(steps: ReadonlyArray<Step>, timeout: number, context: Context.Context<never>) {
    this.#steps = steps
    this.#timeout = timeout
    this.#clock = Context.get(context, Clock.Clock)
    this.#run = Effect.runForkWith(context)
  }

  /** Whether connections need any step. */
  get isNeeded(): boolean {
    return this.#steps.length > 0
  }

  /** Handshakes in progress. */
  get size(): number {
    return this.#handshakes.size
  }

  /** Waits until no handshake is in progress. */
  readonly finished: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.#handshakes.size === 0) return resume(Effect.void)
    this.#onFinished = () => resume(Effect.void)
  })

  begin(entrant: Entrant): void {
    const since = monotonicMillis(this.#clock)
    const current = entrant.accepted
    const handshake: Handshake = { entrant, since, current, fiber: undefined, previous: undefined, next: undefined }
    this.#handshakes.add(handshake)
    const fiber = handshake.fiber = this.#run(this.#step(handshake, 0))
    fiber.addObserver((exit) => this.#settle(handshake, exit))
    if (this.#watcher === undefined && this.#handshakes.size > 0) this.#watch()
  }

  #step(handshake: Handshake, index: number): Effect.Effect<void, Obstacle> {
    const step = this.#steps[index]
    if (step === undefined) return Effect.void
    return Effect.flatMap(step(handshake.current), (next) => {
      handshake.current = next
      const refusal = handshake.entrant.onStep(next)
      return refusal === undefined ? this.#step(handshake, index + 1) : Effect.fail(refusal)
    })
  }

  #settle(handshake: Handshake, exit: Exit.Exit<void, Obstacle>): void {
    const { current, entrant } = handshake
    const isWanted = this.#handshakes.remove(handshake)
    if (isWanted && Exit.isSuccess(exit)) {
      entrant.onReady(current)
    } else {
      const why = Exit.isFailure(exit) ? whyFailed(exit.cause, entrant.accepted) : undefined
      if (typeof why === "string") current.reset()
      else current.destroy()
      if (isWanted && why !== undefined) entrant.onFailed(why)
    }
    if (this.#handshakes.size === 0) this.#onFinished()
  }

  /**
   * Gives up the handshake that has taken the longest, if any. An honest peer is done long before its turn comes, so
   * stalled peers do not keep it out.
   */
  dropOldest(why: ServerPolicy.Refusal): void {
    const { first } = this.#handshakes
    if (first !== undefined) this.#giveUp(first, why)
  }

  #giveUp(handshake: Handshake, why: Obstacle): void {
    this.#handshakes.remove(handshake)
    handshake.fiber?.interruptUnsafe()
    handshake.entrant.onFailed(why)
  }

  /** Gives up all. */
  close(): void {
    while (this.#handshakes.size > 0) this.dropOldest("closing")
    this.#watcher?.interruptUnsafe()
    this.#watcher = undefined
  }

  // One timer for all of them.
  #watch(): void {
    this.#watcher = this.#run(untilDue(this.#clock, (now) => {
      for (let handshake = this.#handshakes.first; handshake !== undefined; handshake = this.#handshakes.first) {
        const left = handshake.since + this.#timeout - now
        if (left > 0) return left
        const reason = new NetworkError.TimedOut({ deadline: "handshake", after: this.#timeout })
        this.#giveUp(handshake, NetworkError.make("secure", formatPeer(handshake.entrant.accepted), reason))
      }
      this.#watcher = undefined
      return Effect.void
    }))
  }
}

const whyFailed = (cause: Cause.Cause<Obstacle>, transport: Transport.StreamTransport): Obstacle => {
  const error = Cause.squash(cause)
  if (typeof error === "string") return error as ServerPolicy.Refusal
  if (NetworkError.isNetworkError(error)) return error
  const reason = new NetworkError.Other({ message: String(error) })
  return new NetworkError.NetworkError({ operation: "secure", address: formatPeer(transport), reason, cause: error })
}
