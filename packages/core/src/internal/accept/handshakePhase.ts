import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import { formatPeer } from "../connection/peerAddress.ts"

/** Makes of an accepted stream the one to go on with. When it fails or is interrupted, it has closed the stream. */
export type Step = (
  transport: Transport.StreamTransport
) => Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError>

/** Who hears how it went. */
export interface AdmissionReceiver {
  readonly onAdmitted: (transport: Transport.StreamTransport) => void
  readonly onHandshakeError: (error: NetworkError.NetworkError, transport: Transport.StreamTransport) => void
}

/** A connection on its way. */
interface Entrant {
  readonly accepted: Transport.StreamTransport
  readonly receiver: AdmissionReceiver
  readonly since: number
  /** What the steps so far have made of it. */
  current: Transport.StreamTransport
  fiber: Fiber.Fiber<void, NetworkError.NetworkError> | undefined
}

/**
 * The way of a connection from the platform's accept to the listener's queue: steps that need to talk with the peer first,
 * each connection's on a fiber of its own and all of them within one deadline, so that a peer that does not answer holds up
 * nobody.
 */
export class Admission {
  readonly #steps: ReadonlyArray<Step>
  readonly #timeout: number
  readonly #clock: Clock.Clock
  readonly #run: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  // From the oldest to the newest: the first whose time is over is the first of all.
  readonly #entrants = new Set<Entrant>()
  #watcher: Fiber.Fiber<void> | undefined = undefined

  constructor(steps: ReadonlyArray<Step>, timeout: number, context: Context.Context<never>) {
    this.#steps = steps
    this.#timeout = timeout
    this.#clock = Context.get(context, Clock.Clock)
    this.#run = Effect.runForkWith(context)
  }

  /** The connections that are on their way. */
  get size(): number {
    return this.#entrants.size
  }

  admit(transport: Transport.StreamTransport, receiver: AdmissionReceiver): void {
    if (this.#steps.length === 0) return receiver.onAdmitted(transport)
    const since = this.#clock.currentTimeMillisUnsafe()
    const entrant: Entrant = { accepted: transport, receiver, since, current: transport, fiber: undefined }
    this.#entrants.add(entrant)
    const fiber = entrant.fiber = this.#run(this.#go(entrant, 0))
    fiber.addObserver((exit) => this.#settle(entrant, exit))
    if (this.#watcher === undefined && this.#entrants.size > 0) this.#watch()
  }

  #go(entrant: Entrant, index: number): Effect.Effect<void, NetworkError.NetworkError> {
    const step = this.#steps[index]
    if (step === undefined) return Effect.void
    return Effect.flatMap(step(entrant.current), (next) => {
      entrant.current = next
      return this.#go(entrant, index + 1)
    })
  }

  #settle(entrant: Entrant, exit: Exit.Exit<void, NetworkError.NetworkError>): void {
    const { accepted, current, receiver } = entrant
    const isWanted = this.#entrants.delete(entrant)
    if (isWanted && Exit.isSuccess(exit)) return receiver.onAdmitted(current)
    current.destroy()
    if (isWanted && Exit.isFailure(exit)) receiver.onHandshakeError(errorOf(exit.cause, accepted), accepted)
  }

  /**
   * Gives up the connection that has taken the longest, if there is one. A peer that is honest is done long before its
   * turn comes, so that many that stall do not keep it out.
   */
  dropOldest(): Transport.StreamTransport | undefined {
    for (const entrant of this.#entrants) {
      this.#giveUp(entrant)
      return entrant.accepted
    }
    return undefined
  }

  #giveUp(entrant: Entrant): void {
    this.#entrants.delete(entrant)
    entrant.fiber?.interruptUnsafe()
  }

  /** Gives up all. */
  close(): void {
    for (const entrant of this.#entrants) this.#giveUp(entrant)
    this.#watcher?.interruptUnsafe()
    this.#watcher = undefined
  }

  // One timer for all: it looks at the oldest, whose time is over first.
  #watch(): void {
    this.#watcher = this.#run(Effect.suspend(() => this.#look()))
  }

  #look(): Effect.Effect<void> {
    const now = this.#clock.currentTimeMillisUnsafe()
    for (const entrant of this.#entrants) {
      const left = entrant.since + this.#timeout - now
      if (left > 0) return Effect.flatMap(Effect.sleep(Duration.millis(left)), () => this.#look())
      const { accepted, receiver } = entrant
      this.#giveUp(entrant)
      const reason = new NetworkError.TimedOut({ deadline: "handshake", after: this.#timeout })
      receiver.onHandshakeError(NetworkError.make("secure", formatPeer(accepted), reason), accepted)
    }
    this.#watcher = undefined
    return Effect.void
  }
}

const errorOf = (
  cause: Cause.Cause<NetworkError.NetworkError>,
  transport: Transport.StreamTransport
): NetworkError.NetworkError => {
  const error = Cause.squash(cause)
  if (NetworkError.isNetworkError(error)) return error
  const reason = new NetworkError.Other({ message: String(error) })
  return new NetworkError.NetworkError({ operation: "secure", address: formatPeer(transport), reason, cause: error })
}
