import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import type * as NetworkError from "../../NetworkError.ts"
import { Lender } from "../connection/lender.ts"
import { refuseConsumer } from "../connection/reading.ts"
import type { Consumer } from "../connection/receiveQueue.ts"
import type { ConnectionState } from "../connection/state.ts"

type Pulling = Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, NetworkError.NetworkError>

/** Pulls chunks that are lent: each stays as it is until the next pull. */
class LentPull implements Consumer {
  readonly #connection: ConnectionState
  readonly #lender = new Lender()
  #isAttached = false
  #isDelivering = false
  // The pull that waits.
  #settle: ((result: Pulling) => void) | undefined = undefined

  constructor(connection: ConnectionState) {
    this.#connection = connection
  }

  readonly pull: Pulling = Effect.callback((resume) => {
    const { input } = this.#connection
    this.#settle = resume
    if (this.#isAttached) {
      // A fiber that is done within the call pulls within it: the transport need not stop in between.
      if (!this.#isDelivering) input.resumeConsumer(this)
    } else {
      const refusal = refuseConsumer(this.#connection)
      if (refusal !== undefined) return this.#take()!(Effect.fail(refusal))
      this.#isAttached = true
      input.attach(this)
    }
    return this.interrupted
  })

  /** Leaves the input to others, with what has not been pulled. */
  readonly interrupted = Effect.sync(() => {
    this.#settle = undefined
    this.#isAttached = false
    this.#connection.input.leave(this)
  })

  onChunk(chunk: Uint8Array): boolean {
    const lent = this.#lender.extend(chunk, this.#connection.transport)
    this.#isDelivering = true
    this.#take()!(Effect.succeed([lent]))
    this.#isDelivering = false
    if (this.#settle !== undefined && lent !== chunk) this.#connection.transport.recycle?.(lent)
    return this.#settle !== undefined || !this.#isAttached
  }

  onEnd(): void {
    this.#isAttached = false
    this.#take()?.(Cause.done())
  }

  onError(error: NetworkError.NetworkError): void {
    this.#isAttached = false
    this.#take()?.(Effect.fail(error))
  }

  #take(): ((result: Pulling) => void) | undefined {
    const settle = this.#settle
    this.#settle = undefined
    return settle
  }
}

/** Makes a pull that releases the input when the Scope closes. */
export const lentPull = (connection: ConnectionState, scope: Scope.Scope): Effect.Effect<Pulling> =>
  Effect.suspend(() => {
    const lent = new LentPull(connection)
    return Effect.as(Scope.addFinalizer(scope, lent.interrupted), lent.pull)
  })
