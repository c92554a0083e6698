import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Metric from "effect/Metric"
import * as MutableList from "effect/MutableList"
import * as Pipeable from "effect/Pipeable"
import type * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import type * as NetworkError from "../../NetworkError.ts"
import { checked, oneOf, optionalInteger } from "../../Options.ts"
import type * as Subscription from "../../Subscription.ts"
import { CurrentNumbers } from "../naming/numbers.ts"
import { Overflowed } from "./errors.ts"
import { dropping } from "./metrics.ts"
import type { Batch } from "./publishedBatch.ts"

export const typeId = "~@sluice/core/Subscription"

/** What a subscription's queue is made with, checked. */
export interface Queue {
  readonly capacity: number
  readonly maxBytes: number
  readonly overflow: Subscription.Overflow
}

export const checkQueue = (options: Subscription.QueueOptions): Queue => ({
  capacity: optionalInteger("capacity", options.capacity, 1, 1_000_000) ?? 64,
  maxBytes: optionalInteger("maxBytes", options.maxBytes, 1, Number.MAX_SAFE_INTEGER) ?? Infinity,
  overflow: oneOf("overflow", options.overflow ?? "disconnect", ["dropOldest", "dropNewest", "disconnect"])
})

/** The receiver of a subscription. */
export interface Receiver<in A> {
  /** There is something to take: a message, a failure or the end. Never called while something is being published. */
  readonly onReady: () => void
  /** There is no room for more: take what is there now, if that can be done without running anybody's code. */
  readonly onFull?: () => void
  /** Nothing waits: takes these messages past the queue, if it can. Whether it does. */
  readonly onBatch?: (batch: Batch<A>) => boolean
}

/** Where messages for a subscription may be held back. */
export interface Source {
  /** Gives them now. */
  readonly settle: () => void
}

/** Wakes receivers, later: a fiber's dispatcher, or code that is about to. */
export type Waker = Pick<Scheduler.SchedulerDispatcher, "scheduleTask">

const bytesOf = (message: unknown): number => message instanceof Uint8Array ? message.length : 0

/** A subscription, as broadcasts and receivers see it. */
export class SubscriptionState<in out A> extends Pipeable.Class implements Subscription.Subscription<A> {
  declare readonly [typeId]: (message: A) => A
  readonly #queue: Queue
  readonly #options: Subscription.Options<A>
  readonly #context: Context.Context<never>
  readonly #number: number
  readonly #waiting = MutableList.make<A>()
  #receivers: ReadonlyArray<Receiver<A>> = []
  #waking = false
  // The bytes that wait. Counted only if they are limited.
  #bytes = 0
  /** The broadcasts that it belongs to. */
  sources: ReadonlyArray<Source> = []
  // Dropped, and not told of yet.
  #missing = 0
  #counting: Metric.Registration | undefined = undefined
  #dropped = 0
  ended = false
  failure: Overflowed | undefined = undefined

  constructor(queue: Queue, options: Subscription.Options<A>, context: Context.Context<never>) {
    super()
    this.#queue = queue
    this.#options = options
    this.#context = context
    this.#number = ++Context.get(context, CurrentNumbers).subscriptions
  }

  get name(): string {
    return this.#options.name ?? `#${this.#number}`
  }

  get size(): number {
    this.settle()
    return this.#size
  }

  /** How many messages it has missed. */
  get dropped(): number {
    this.settle()
    return this.#dropped
  }

  /** Has it given what was published to it. */
  settle(): void {
    for (const source of this.sources) source.settle()
  }

  get #size(): number {
    return this.#waiting.length + (this.#missing > 0 ? 1 : 0)
  }

  /** Puts a message in, behind all that was published before; whether it was. */
  offer(message: A, waker: Waker): boolean {
    this.settle()
    return this.#offer(message, waker)
  }

  /** Puts in what was published. */
  offerAll(batch: Batch<A>, waker: Waker): void {
    if (this.ended) return
    if (this.#size === 0 && this.#receivers[0]?.onBatch?.(batch)) return
    for (const message of batch.messages) this.#offer(message, waker)
  }

  #offer(message: A, waker: Waker): boolean {
    if (this.ended) return false
    if (this.#isFullFor(message)) this.#receivers[0]?.onFull?.()
    if (this.#isFullFor(message)) return this.#overflow(message, waker)
    if (this.#missing > 0 && this.#queue.overflow === "dropNewest") this.#append(this.#takeNotice())
    this.#append(message)
    this.#wake(waker)
    return true
  }

  #isFullFor(message: A): boolean {
    return this.#waiting.length >= this.#queue.capacity || this.#isTooMuch(message)
  }

  #isTooMuch(message: A): boolean {
    const { maxBytes } = this.#queue
    return maxBytes !== Infinity && this.#bytes + bytesOf(message) > maxBytes
  }

  #append(message: A): void {
    MutableList.append(this.#waiting, message)
    if (this.#queue.maxBytes !== Infinity) this.#bytes += bytesOf(message)
  }

  #takeNext(): A {
    const message = MutableList.take(this.#waiting) as A
    if (this.#queue.maxBytes !== Infinity) this.#bytes -= bytesOf(message)
    return message
  }

  #clear(): void {
    MutableList.clear(this.#waiting)
    this.#bytes = 0
  }

  #overflow(message: A, waker: Waker): boolean {
    switch (this.#queue.overflow) {
      case "dropOldest": {
        // A message longer than `maxBytes` does not fit even into an empty queue.
        const fits = bytesOf(message) <= this.#queue.maxBytes
        let missed = fits ? 0 : 1
        if (fits) {
          for (; this.#isFullFor(message); missed++) this.#takeNext()
          this.#append(message)
        }
        this.#miss(missed)
        return fits
      }
      case "dropNewest": {
        this.#miss(1)
        return false
      }
      case "disconnect": {
        const { capacity, maxBytes } = this.#queue
        const isByBytes = this.#waiting.length < capacity
        this.#miss(this.#waiting.length + 1)
        this.#missing = 0
        this.#clear()
        this.ended = true
        this.failure = new Overflowed({ subscriber: this.name, capacity, ...(isByBytes && { maxBytes }) })
        this.#wake(waker)
        return false
      }
    }
  }

  #miss(count: number): void {
    this.#dropped += count
    if (this.#options.notice !== undefined) this.#missing += count
    this.#counting ??= dropping(this, this.#context)
  }

  #takeNotice(): A {
    const missing = this.#missing
    this.#missing = 0
    return this.#options.notice!(missing)
  }

  /** Takes the next of what waits: there must be something. */
  take(): A {
    const noticeIsNext = this.#missing > 0 && (this.#queue.overflow === "dropOldest" || this.#waiting.length === 0)
    return noticeIsNext ? this.#takeNotice() : this.#takeNext()
  }

  /** Takes all that waits, in order. */
  takeAll(): Array<A> {
    const all = MutableList.takeAll(this.#waiting)
    this.#bytes = 0
    if (this.#missing === 0) return all
    return this.#queue.overflow === "dropOldest" ? [this.#takeNotice(), ...all] : [...all, this.#takeNotice()]
  }

  end(waker: Waker): void {
    this.settle()
    if (this.ended) return
    this.ended = true
    this.#wake(waker)
  }

  /** Ends it, forgets what waits, and counts no more. */
  close(waker: Waker): void {
    this.end(waker)
    this.#clear()
    this.#missing = 0
    this.#counting?.remove()
  }

  attach(receiver: Receiver<A>): void {
    // Unlike a spread, it leaves no room for more: mostly there is one.
    this.#receivers = this.#receivers.concat(receiver)
  }

  detach(receiver: Receiver<A>): void {
    this.#receivers = this.#receivers.filter((each) => each !== receiver)
  }

  /** Does what `next` says as soon as it says something: now, or when there is something to take. */
  until<B, E>(next: () => Effect.Effect<B, E> | undefined): Effect.Effect<B, E> {
    return Effect.callback((resume) => {
      this.settle()
      const now = next()
      if (now !== undefined) return resume(now)
      const receiver: Receiver<A> = {
        onReady: () => {
          const then = next()
          if (then === undefined) return
          this.detach(receiver)
          resume(then)
        }
      }
      this.attach(receiver)
      return Effect.sync(() => this.detach(receiver))
    })
  }

  // Later, and once: receivers run code that may publish, and what is published while something is being published
  // would overtake it; and what comes in one go is taken in one go.
  #wake(waker: Waker): void {
    if (this.#waking || this.#receivers.length === 0) return
    this.#waking = true
    waker.scheduleTask(() => this.#awaken(), 0)
  }

  #awaken(): void {
    this.#waking = false
    for (const receiver of this.#receivers) {
      // The one before it may have had this one interrupted.
      if (this.#receivers.includes(receiver)) receiver.onReady()
    }
  }
}

export const make = <A>(
  options: Subscription.Options<A> = {}
): Effect.Effect<Subscription.Subscription<A>, NetworkError.NetworkError, Scope.Scope> =>
  Effect.flatMap(
    Effect.fromResult(checked("configure", "the subscription", () => checkQueue(options))),
    (queue) => makeWith(queue, options)
  )

/** Makes one of a queue that was checked before. */
export const makeWith = <A>(
  queue: Queue,
  options: Subscription.Options<A>
): Effect.Effect<SubscriptionState<A>, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) =>
    Effect.withFiber((fiber) => {
      const subscription = new SubscriptionState<A>(queue, options, fiber.context)
      const close = () =>
        Effect.withFiber(({ currentDispatcher }) => {
          subscription.close(currentDispatcher)
          return Exit.void
        })
      return Effect.as(Scope.addFinalizerExit(scope, close), subscription)
    }))
