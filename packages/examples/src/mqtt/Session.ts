/** What the broker remembers of a client, with or without a connection: its subscriptions and undelivered messages. */
import * as Latch from "effect/Latch"
import * as MutableList from "effect/MutableList"
import type { Link } from "./Link.ts"
import type { Message, Qos } from "./Message.ts"

/** Messages that may be unacknowledged at once, and that may wait behind them, by number and bytes. */
const limits = { inFlight: 20, waiting: 1000, waitingBytes: 1024 * 1024 }

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
  /** Messages dropped for lack of room. */
  dropped = 0
  /** Open while there is room for a message, or no connection to make room. */
  readonly room = Latch.makeUnsafe(true)
  /** Whether a publisher gave up waiting for room. No publisher waits for this session again until it has room. */
  isStuck = false
  readonly #budget: Budget
  readonly #inFlight = new Map<number, Sent>()
  readonly #waiting = MutableList.make<Message>()
  #waitingBytes = 0
  #retained = new Map<string, { readonly qos: Qos; readonly current: () => Message | undefined }>()
  #lastId = 0

  constructor(clientId: string, isClean: boolean, budget: Budget) {
    this.clientId = clientId
    this.isClean = isClean
    this.#budget = budget
  }

  /** Sends or queues a published message, by its quality of service. */
  deliver(message: Message, granted: Qos): void {
    if (granted === 0 || message.qos === 0) {
      if (this.link === undefined) return
      if (this.link.hasRoom) this.link.push(message.once(false))
      else this.#drop()
      return
    }
    if (this.#isFull || this.#budget.free < message.size) return this.#drop()
    MutableList.append(this.#waiting, message)
    this.#account(message.size)
    this.pump()
  }

  /** Sends the retained message of a topic once there is room: the one that is `current` by then. */
  deliverRetained(topic: string, qos: Qos, current: () => Message | undefined): void {
    this.#retained.set(topic, { qos, current })
  }

  acknowledge(id: number): void {
    this.#inFlight.delete(id)
    this.pump()
  }

  /** Continues on a new connection: sends unacknowledged messages again, behind the packets that were pushed to it. */
  attach(link: Link): void {
    this.link = link
    this.#account(0)
    for (const [id, { isRetained, message }] of this.#inFlight) link.push(message.numbered(id, isRetained, true))
    this.pump()
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

  /** Sends queued messages while there is room. */
  pump(): void {
    const { link } = this
    if (link === undefined) return
    while (link.hasRoom && this.#waiting.length > 0 && this.#inFlight.size < limits.inFlight) {
      const message = MutableList.take(this.#waiting) as Message
      this.#send(link, message, false)
      // This may resume a publisher, whose message comes behind.
      this.#account(-message.size)
    }
    for (const [topic, { current, qos }] of this.#retained) {
      const message = current()
      const isOnce = message === undefined || qos === 0 || message.qos === 0
      if (!link.hasRoom || (!isOnce && this.#inFlight.size >= limits.inFlight)) return
      this.#retained.delete(topic)
      if (message === undefined) continue
      if (isOnce) link.push(message.once(true))
      else this.#send(link, message, true)
    }
  }

  #send(link: Link, message: Message, isRetained: boolean): void {
    do this.#lastId = this.#lastId % 65_535 + 1
    while (this.#inFlight.has(this.#lastId))
    this.#inFlight.set(this.#lastId, { message, isRetained })
    link.push(message.numbered(this.#lastId, isRetained, false))
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

  #drop(): void {
    this.dropped++
    this.link?.miss()
  }
}
