import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

/** Events that are buffered for each stream. */
export const capacity = 1024

interface Subscriber<Event> {
  readonly queue: Queue.Queue<Event, Cause.Done>
  /** Events dropped since the last that fit. */
  lost: number
}

/** The log that receives the events with these tags. */
export interface Log<Event extends { readonly _tag: string }> {
  readonly tags: ReadonlySet<Event["_tag"]>
  readonly write: (event: Event) => Effect.Effect<void>
  /** Writes what was held back, before the last event. */
  readonly flush: Effect.Effect<void>
}

/** Passes the events of a server to its log and to the streams that run. */
export class EventHub<Event extends { readonly _tag: string }> {
  readonly #subscribers = new Set<Subscriber<Event>>()
  readonly #log: Log<Event>
  readonly #eventsLost: (count: number) => Event
  readonly #run: (effect: Effect.Effect<void>) => unknown
  #ended = false
  /** Events that streams have dropped. */
  lost = 0

  constructor(options: {
    readonly log: Log<Event>
    readonly context: Context.Context<never>
    /** The event that takes the place of those that a stream has dropped. */
    readonly eventsLost: (count: number) => Event
  }) {
    this.#log = options.log
    this.#eventsLost = options.eventsLost
    this.#run = Effect.runForkWith(options.context)
  }

  /** Whether the log or a stream receives such events: otherwise they need not be made. */
  hears(tag: Event["_tag"]): boolean {
    return !this.#ended && (this.#subscribers.size > 0 || this.#log.tags.has(tag))
  }

  emit(event: Event): void {
    if (this.#ended) return
    for (const subscriber of this.#subscribers) this.#offer(subscriber, event)
    if (this.#log.tags.has(event._tag)) this.#run(this.#log.write(event))
  }

  /** Passes on the last event, which is never dropped, and returns when it is logged. */
  end(last: Event): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#ended = true
      for (const subscriber of this.#subscribers) {
        this.#tellLost(subscriber)
        Queue.offerUnsafe(subscriber.queue, last)
        Queue.endUnsafe(subscriber.queue)
      }
      return Effect.andThen(this.#log.flush, this.#log.tags.has(last._tag) ? this.#log.write(last) : Effect.void)
    })
  }

  /** The events from when the stream starts: first `soFar`, the present state, and then what happens. */
  stream(soFar: () => ReadonlyArray<Event>): Stream.Stream<Event> {
    return Stream.unwrap(Effect.map(
      Effect.acquireRelease(
        Effect.map(Queue.unbounded<Event, Cause.Done>(), (queue) => {
          const subscriber: Subscriber<Event> = { queue, lost: 0 }
          if (this.#ended) Queue.endUnsafe(queue)
          else this.#subscribers.add(subscriber)
          return { subscriber, before: this.#ended ? [] : soFar() }
        }),
        ({ subscriber }) => Effect.sync(() => this.#subscribers.delete(subscriber))
      ),
      ({ before, subscriber }) => Stream.concat(Stream.fromIterable(before), Stream.fromQueue(subscriber.queue))
    ))
  }

  // A full queue drops the newest events. One event takes their place once there is room.
  #offer(subscriber: Subscriber<Event>, event: Event): void {
    if (Queue.sizeUnsafe(subscriber.queue) >= capacity) {
      subscriber.lost++
      this.lost++
      return
    }
    this.#tellLost(subscriber)
    Queue.offerUnsafe(subscriber.queue, event)
  }

  #tellLost(subscriber: Subscriber<Event>): void {
    if (subscriber.lost === 0) return
    Queue.offerUnsafe(subscriber.queue, this.#eventsLost(subscriber.lost))
    subscriber.lost = 0
  }
}
