import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as NetworkError from "../NetworkError.ts"
import type * as Transport from "../Transport.ts"
import { formatPeer } from "./address.ts"

/** Makes of an accepted stream the one to go on with. When it fails or is interrupted, it has closed the stream. */
export type Step = (
  transport: Transport.StreamTransport
) => Effect.Effect<Transport.StreamTransport, NetworkError.NetworkError>

/** Who hears how it went. */
export interface AdmissionReceiver {
  readonly onAdmitted: (transport: Transport.StreamTransport) => void
  readonly onHandshakeError: (error: NetworkError.NetworkError, transport: Transport.StreamTransport) => void
}

/**
 * The way of a connection from the platform's accept to the listener's queue: steps that need to talk with the peer first,
 * each connection's on a fiber of its own and all of them within one deadline, so that a peer that does not answer holds up
 * nobody.
 */
export class Admission {
  readonly #steps: ReadonlyArray<Step>
  readonly #timeout: number
  readonly #run: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
  // From the oldest to the newest.
  readonly #running = new Map<Transport.StreamTransport, Fiber.Fiber<void>>()

  constructor(steps: ReadonlyArray<Step>, timeout: number, context: Context.Context<never>) {
    this.#steps = steps
    this.#timeout = timeout
    this.#run = Effect.runForkWith(context)
  }

  /** The connections that are on their way. */
  get size(): number {
    return this.#running.size
  }

  admit(transport: Transport.StreamTransport, receiver: AdmissionReceiver): void {
    if (this.#steps.length === 0) return receiver.onAdmitted(transport)
    const fiber = this.#run(Effect.matchEffect(this.#through(transport), {
      onSuccess: (admitted) =>
        Effect.sync(() => {
          this.#running.delete(transport)
          receiver.onAdmitted(admitted)
        }),
      onFailure: (error) =>
        Effect.sync(() => {
          this.#running.delete(transport)
          receiver.onHandshakeError(error, transport)
        })
    }))
    // It may be over already.
    if (fiber.pollUnsafe() !== undefined) return
    this.#running.set(transport, fiber)
    fiber.addObserver(() => this.#running.delete(transport))
  }

  /**
   * Gives up the connection that has taken the longest, if there is one. A peer that is honest is done long before its
   * turn comes, so that many that stall do not keep it out.
   */
  dropOldest(): Transport.StreamTransport | undefined {
    for (const [transport, fiber] of this.#running) {
      this.#running.delete(transport)
      fiber.interruptUnsafe()
      return transport
    }
    return undefined
  }

  /** Gives up all. */
  close(): void {
    while (this.dropOldest() !== undefined) { /* the next */ }
  }

  #through(transport: Transport.StreamTransport) {
    return Effect.suspend(() => {
      let current = transport
      const steps = Effect.forEach(
        this.#steps,
        (step) =>
          Effect.uninterruptibleMask((restore) =>
            Effect.map(restore(step(current)), (next) => {
              current = next
            })
          ),
        { discard: true }
      )
      return Effect.map(steps, () => current).pipe(
        Effect.timeoutOrElse({
          duration: Duration.millis(this.#timeout),
          orElse: () => Effect.fail(timedOut(transport, this.#timeout))
        }),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            if (Exit.isFailure(exit)) current.destroy()
          })
        )
      )
    })
  }
}

const timedOut = (transport: Transport.StreamTransport, after: number): NetworkError.NetworkError =>
  NetworkError.make("secure", formatPeer(transport), new NetworkError.TimedOut({ deadline: "handshake", after }))
