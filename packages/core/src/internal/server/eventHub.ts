import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as ServerEvent from "../../ServerEvent.ts"
import type * as ServerLog from "../../ServerLog.ts"

/** Events that are buffered for each stream. */
export const capacity = 1024

interface Subscriber {
  readonly queue: Queue.Queue<ServerEvent.ServerEvent, Cause.Done>
  /** Events dropped since the last that fit. */
  lost: number
}

/** Passes a server's events to its log and to the streams that run. */
export class Events {
  readonly #subscribers = new Set<Subscriber>()
  readonly #logged: ReadonlySet<ServerEvent.Tag>
  readonly #log: ServerLog.Writer
  readonly #clock: Clock.Clock
  readonly #listening: NetAddress.SocketAddress
  readonly #run: (effect: Effect.Effect<void>) => unknown
  #ended = false
  /** Events that streams have dropped. */
  lost = 0

  constructor(options: {
    readonly log: ServerLog.ServerLog
    readonly clock: Clock.Clock
    readonly context: Context.Context<never>
    readonly listening: NetAddress.SocketAddress
  }) {
    this.#logged = options.log.tags
    this.#log = options.log.open()
    this.#clock = options.clock
    this.#listening = options.listening
    this.#run = Effect.runForkWith(options.context)
  }

  /** Whether the log or a stream receives such events: otherwise they need not be made. */
  hears(tag: ServerEvent.Tag): boolean {
    return !this.#ended && (this.#subscribers.size > 0 || this.#logged.has(tag))
  }

  /** What every event has. */
  common(at = this.#clock.currentTimeMillisUnsafe()): ServerEvent.Common {
    return { at, listening: this.#listening }
  }

  emit(event: ServerEvent.ServerEvent): void {
    if (this.#ended) return
    for (const subscriber of this.#subscribers) this.#offer(subscriber, event)
    if (this.#logged.has(event._tag)) this.#run(this.#log.write(event))
  }

  /** Passes on the last event, which is never dropped, and returns when it is logged. */
  end(last: ServerEvent.Drained): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#ended = true
      for (const subscriber of this.#subscribers) {
        this.#tellLost(subscriber)
        Queue.offerUnsafe(subscriber.queue, last)
        Queue.endUnsafe(subscriber.queue)
      }
      this.#subscribers.clear()
      return Effect.andThen(this.#log.flush, this.#logged.has(last._tag) ? this.#log.write(last) : Effect.void)
    })
  }

  /** The events from when the stream starts: first `soFar`, the present state, and then what happens. */
  stream(soFar: () => ReadonlyArray<ServerEvent.ServerEvent>): Stream.Stream<ServerEvent.ServerEvent> {
    return Stream.unwrap(Effect.map(
      Effect.acquireRelease(
        Effect.map(Queue.unbounded<ServerEvent.ServerEvent, Cause.Done>(), (queue) => {
          const subscriber: Subscriber = { queue, lost: 0 }
          if (this.#ended) Queue.endUnsafe(queue)
          else this.#subscribers.add(subscriber)
          return { subscriber, before: this.#ended ? [] : soFar() }
        }),
        ({ subscriber }) => Effect.sync(() => this.#subscribers.delete(subscriber))
      ),
      ({ before, subscriber }) => Stream.concat(Stream.fromIterable(before), Stream.fromQueue(subscriber.queue))
    ))
  }

  // A full queue drops the newest events. An `EventsLost` takes their place once there is room.
  #offer(subscriber: Subscriber, event: ServerEvent.ServerEvent): void {
    if (Queue.sizeUnsafe(subscriber.queue) >= capacity) {
      subscriber.lost++
      this.lost++
      return
    }
    this.#tellLost(subscriber)
    Queue.offerUnsafe(subscriber.queue, event)
  }

  #tellLost(subscriber: Subscriber): void {
    if (subscriber.lost === 0) return
    Queue.offerUnsafe(subscriber.queue, new ServerEvent.EventsLost({ ...this.common(), count: subscriber.lost }))
    subscriber.lost = 0
  }
}
