/** What the broker remembers of a client, with or without a connection: its subscriptions and undelivered messages. */
import * as Connection from "@sluice/core/Connection"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as MutableList from "effect/MutableList"
import type { Link } from "./Link.ts"
import type { Message, Qos } from "./Message.ts"

/** Messages that may be unacknowledged at once, that may wait behind them, by number and bytes, and that are sent at once. */
const limits = { inFlight: 20, waiting: 1000, waitingBytes: 1024 * 1024, batch: 64 }

interface Sent {
  readonly message: Message
  readonly isRetained: boolean
}

/** What all sessions share: memory, and which of them have a connection and no room. */
export interface Budget {
  free: number
  readonly full: Set<Session>
}

export class Session {
  readonly clientId: string
  /** Whether it ends with the connection. */
  readonly isClean: boolean
  readonly subscriptions = new Map<string, Qos>()
  link: Link | undefined = undefined
  /** When the connection ended, in milliseconds of the monotonic clock. */
  offlineSince = 0
  /** Messages to be delivered at least once that were dropped for lack of room. */
  dropped = 0
  /** Open while there is room for a message, or no connection to make room. */
  readonly room = Latch.makeUnsafe(true)
  /** Whether a publisher gave up waiting for room. No publisher waits for this session again until it has room. */
  isStuck = false
  readonly #budget: Budget
  readonly #inFlight = new Map<number, Sent>()
  /** Open while there may be something to send. */
  readonly #work = Latch.makeUnsafe(true)
  readonly #waiting = MutableList.make<Message>()
  #waitingBytes = 0
  #retained = new Map<string, { readonly qos: Qos; readonly current: () => Message | undefined }>()
  #lastId = 0

  constructor(clientId: string, isClean: boolean, budget: Budget) {
    this.clientId = clientId
    this.isClean = isClean
    this.#budget = budget
  }

  /** Queues a message that is to be delivered at least once. */
  deliver(message: Message): void {
    if (this.#isFull || this.#budget.free < message.size) {
      this.dropped++
      return
    }
    MutableList.append(this.#waiting, message)
    this.#account(message.size)
    this.#work.openUnsafe()
  }

  /** Sends the retained message of a topic once there is room: the one that is `current` by then. */
  deliverRetained(topic: string, qos: Qos, current: () => Message | undefined): void {
    this.#retained.set(topic, { qos, current })
    this.#work.openUnsafe()
  }

  acknowledge(id: number): void {
    this.#inFlight.delete(id)
    this.#work.openUnsafe()
  }

  attach(link: Link): void {
    this.link = link
    this.#account(0)
  }

  detach(now: number): void {
    this.link = undefined
    this.#account(0)
    this.offlineSince = now
    this.#retained.clear()
  }

  /** Releases the memory of queued messages. */
  discard(): void {
    MutableList.clear(this.#waiting)
    this.#account(-this.#waitingBytes)
    this.#inFlight.clear()
  }

  /**
   * Writes to the connection of a link, at its pace, what is delivered at least once and what is retained. What an earlier
   * connection did not acknowledge comes first.
   */
  writeTo(link: Link, connection: Connection.Connection): Effect.Effect<never, NetworkError.NetworkError> {
    const again = Array.from(this.#inFlight, ([id, { isRetained, message }]) => message.numbered(id, isRetained, true))
    const batch = Effect.suspend(() =>
      this.link === link ? Connection.writeAll(connection, this.#take()) : Effect.never
    )
    return Effect.andThen(
      Connection.writeAll(connection, again),
      Effect.forever(Effect.andThen(this.#work.await, batch))
    )
  }

  /** The packets that can be sent now. */
  #take(): ReadonlyArray<Uint8Array> {
    const packets: Array<Uint8Array> = []
    this.#work.closeUnsafe()
    while (this.#waiting.length > 0 && this.#inFlight.size < limits.inFlight) {
      const message = MutableList.take(this.#waiting) as Message
      packets.push(this.#number(message, false))
      // This may resume a publisher, whose message comes behind.
      this.#account(-message.size)
    }
    for (const [topic, { current, qos }] of this.#retained) {
      const message = current()
      const isOnce = message === undefined || qos === 0 || message.qos === 0
      if (!isOnce && this.#inFlight.size >= limits.inFlight) break
      if (packets.length >= limits.batch) {
        this.#work.openUnsafe()
        break
      }
      this.#retained.delete(topic)
      if (message !== undefined) packets.push(isOnce ? message.once(true) : this.#number(message, true))
    }
    return packets
  }

  #number(message: Message, isRetained: boolean): Uint8Array {
    do this.#lastId = this.#lastId % 65_535 + 1
    while (this.#inFlight.has(this.#lastId))
    this.#inFlight.set(this.#lastId, { message, isRetained })
    return message.numbered(this.#lastId, isRetained, false)
  }

  get #isFull(): boolean {
    return this.#waiting.length >= limits.waiting || this.#waitingBytes >= limits.waitingBytes
  }

  #account(bytes: number): void {
    this.#waitingBytes += bytes
    this.#budget.free -= bytes
    if (this.link !== undefined && this.#isFull) {
      this.#budget.full.add(this)
      this.room.closeUnsafe()
    } else if (this.#budget.full.delete(this)) {
      this.isStuck = false
      this.room.openUnsafe()
    }
  }
}
