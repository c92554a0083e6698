import * as Framed from "@sluice/core/Framed"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { Chain, type Link } from "../chain.ts"
import { RequestFailed } from "../errors.ts"
import type { Failure } from "../failure.ts"

/** How answers find their requests, where they do not come in order. */
export interface Correlation<Out, In> {
  readonly request: (message: Out) => unknown
  readonly answer: (message: In) => unknown
}

/** A request that waits for its answer. If its caller has left, the answer is dropped when it arrives. */
interface Pending<In, E> extends Link<Pending<In, E>> {
  readonly id: unknown
  /** Where the request ends in the output. */
  readonly end: number
  readonly since: number
  resume: ((outcome: Effect.Effect<In, RequestFailed<E>>) => void) | undefined
}

/** Learns what becomes of the requests on a connection. */
export interface Observer {
  /** A request was answered, this many milliseconds after it was sent. */
  readonly onAnswer: (millis: number) => void
  /** Requests were lost with their connection, if any. */
  readonly onLoss: (requests: number, reason: unknown) => void
}

/** One of the connections of a client, while there is one, and the requests in flight on it. */
export class Channel<Out, In, E> {
  readonly #slots: { readonly release: () => void }
  readonly #now: () => number
  readonly #correlation: Correlation<Out, In> | undefined
  readonly #observer: Observer
  #outbox: Framed.Outbox<Out> | undefined = undefined
  // In the order in which they were sent.
  readonly #pending = new Chain<Pending<In, E>>()
  // Where answers do not come in that order.
  readonly #byId = new Map<unknown, Pending<In, E>>()

  constructor(options: {
    /** Each request has taken one, and releases it. */
    readonly slots: { readonly release: () => void }
    readonly now: () => number
    readonly correlation: Correlation<Out, In> | undefined
    readonly observer: Observer
  }) {
    this.#slots = options.slots
    this.#now = options.now
    this.#correlation = options.correlation
    this.#observer = options.observer
  }

  get isOpen(): boolean {
    return this.#outbox !== undefined
  }

  get pending(): number {
    return this.#pending.size
  }

  /** When the oldest request in flight was sent. */
  get waitingSince(): number | undefined {
    return this.#pending.first?.since
  }

  open(framed: Framed.Framed<Out, In>): void {
    this.#outbox = Framed.outbox(framed)
  }

  /** Fails the requests in flight: there will be no answers on this connection. */
  lose(reason: Failure<E>): void {
    const outbox = this.#outbox
    if (outbox === undefined) return
    this.#outbox = undefined
    const lost = this.#pending.clear()
    this.#byId.clear()
    for (const { end, resume } of lost) {
      this.#slots.release()
      resume?.(Effect.fail(new RequestFailed({ sent: end <= outbox.flushedTo, reason })))
    }
    this.#observer.onLoss(lost.length, reason)
  }

  /**
   * Sends a request and waits for its answer. The request has a slot, which is released when the answer arrives or the
   * connection is lost.
   */
  ask(message: Out, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<In, FramingError | RequestFailed<E>> {
    const outbox = this.#outbox!
    const id = this.#correlation?.request(message)
    const problem = this.#byId.has(id)
      ? Effect.die(new Error(`two requests in flight have the id ${String(id)}; make ids unique`))
      : undefined
    const refusal = problem ?? asFailure(outbox.add(message))
    if (refusal !== undefined) {
      this.#slots.release()
      return refusal
    }
    const pending: Pending<In, E> = {
      id,
      end: outbox.offset,
      since: this.#now(),
      resume: undefined,
      previous: undefined,
      next: undefined
    }
    this.#pending.add(pending)
    if (this.#correlation !== undefined) this.#byId.set(id, pending)
    const answer = Effect.callback<In, RequestFailed<E>>((resume) => {
      pending.resume = resume
      return Effect.sync(() => {
        pending.resume = undefined
      })
    })
    // A failed write loses the connection, which fails this request too.
    if (outbox.isFull) return Effect.andThen(Effect.forkDetach(Effect.ignore(outbox.flush)), answer)
    outbox.flushSoon(fiber.currentDispatcher)
    return answer
  }

  /** Takes a message, if it answers a request. */
  answer(message: In): boolean {
    const pending = this.#correlation === undefined
      ? this.#pending.first
      : this.#byId.get(this.#correlation.answer(message))
    if (pending === undefined) return false
    this.#pending.remove(pending)
    this.#byId.delete(pending.id)
    this.#slots.release()
    this.#observer.onAnswer(this.#now() - pending.since)
    const { resume } = pending
    // An old table of the Map may keep it.
    pending.resume = undefined
    resume?.(Effect.succeed(message))
    return true
  }
}

const asFailure = (refusal: FramingError | undefined) => refusal === undefined ? undefined : Effect.fail(refusal)
