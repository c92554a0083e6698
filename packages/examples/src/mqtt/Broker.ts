/** The broker: sessions by client, subscriptions by filter, and retained messages by topic. All are bounded, and in memory. */
import * as Broadcast from "@sluice/core/Broadcast"
import * as Subscription from "@sluice/core/Subscription"
import * as Effect from "effect/Effect"
import type { Link } from "./Link.ts"
import type { Message, Qos } from "./Message.ts"
import { type Budget, Session } from "./Session.ts"
import { TopicTree } from "./TopicTree.ts"

const day = 24 * 60 * 60 * 1000

export interface Limits {
  /** Sessions, with a connection and without. */
  readonly sessions: number
  /** How long a session is kept without a connection when there is no room for others, in milliseconds. */
  readonly sessionExpiry: number
  readonly subscriptionsPerClient: number
  readonly retained: { readonly messages: number; readonly bytes: number }
  /** Memory for the messages that wait in all sessions together. */
  readonly waitingBytes: number
}

export const defaultLimits: Limits = {
  sessions: 10_000,
  sessionExpiry: day,
  subscriptionsPerClient: 100,
  retained: { messages: 10_000, bytes: 64 * 1024 * 1024 },
  waitingBytes: 256 * 1024 * 1024
}

/** The subscribers of a filter. */
interface Audience {
  readonly granted: Map<Session, Qos>
  /** The queues of connected subscribers, for messages of QoS 0: each is bounded, and misses what does not fit. */
  readonly connected: Broadcast.Broadcast<Uint8Array>
}

const tellNotRetained = Effect.logWarning(
  "a message is not retained: there is no room for more; delete some, or raise the limits"
)

export class Broker {
  readonly #limits: Limits
  /** Milliseconds of the monotonic clock. */
  readonly #now: () => number
  readonly #sessions = new Map<string, Session>()
  readonly #audiences = new TopicTree<Audience>()
  readonly #retained = new TopicTree<Message>()
  readonly #budget: Budget
  #retainedBytes = 0

  constructor(limits: Limits, now: () => number) {
    this.#limits = limits
    this.#now = now
    this.#budget = { free: limits.waitingBytes, full: new Set() }
  }

  /** Gives the client's session a new connection, and ends an older one; undefined if there is no room for the session. */
  readonly open = Effect.fnUntraced({ self: this }, function*(clientId: string, isClean: boolean, link: Link) {
    const before = this.#sessions.get(clientId)
    const older = before?.link
    if (before !== undefined && older !== undefined) {
      older.end("another connection has its client identifier")
      yield* this.close(before, older)
    }
    const kept = this.#sessions.get(clientId)
    if (kept !== undefined && isClean) this.#forget(kept)
    const session = kept !== undefined && !isClean ? kept : this.#admit(clientId, isClean)
    if (session === undefined) return undefined
    session.attach(link)
    for (const filter of session.subscriptions.keys()) yield* link.join(this.#audiences.get(filter)!.connected)
    return { session, isPresent: session === kept }
  })

  /** Detaches a closed connection, and publishes its will unless the client withdrew it. */
  close(session: Session, link: Link): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      if (session.link !== link) return Effect.void
      session.detach(this.#now())
      if (session.isClean) this.#forget(session)
      return link.will === undefined ? Effect.void : this.publish(link.will.message, link.will.isRetained)
    })
  }

  /** Subscribes to a filter. Returns whether there was room for it. */
  readonly subscribe = Effect.fnUntraced({ self: this }, function*(session: Session, filter: string, qos: Qos) {
    const connected = yield* Effect.orDie(Broadcast.make<Uint8Array>())
    const { link, subscriptions } = session
    const isFull = !subscriptions.has(filter) && subscriptions.size >= this.#limits.subscriptionsPerClient
    if (link === undefined || isFull) return false
    const audience = this.#audiences.get(filter) ?? { granted: new Map(), connected }
    this.#audiences.set(filter, audience)
    audience.granted.set(session, qos)
    subscriptions.set(filter, qos)
    yield* link.join(audience.connected)
    return true
  })

  /** Delivers the retained messages of a filter. */
  deliverRetained(session: Session, filter: string): void {
    const qos = session.subscriptions.get(filter)
    if (qos === undefined) return
    for (const { topic } of this.#retained.selected(filter)) {
      session.deliverRetained(topic, qos, () => this.#retained.get(topic))
    }
  }

  unsubscribe(session: Session, filter: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const left = this.#remove(session, filter)
      return left === undefined || session.link === undefined ? Effect.void : session.link.leave(left.connected)
    })
  }

  /** Delivers a message to each subscriber of its topic once, and retains it if there is room. It waits for nobody. */
  publish(message: Message, isRetained: boolean): Effect.Effect<void> {
    const deliveries = deliver(message, this.#audiences.matching(message.topic))
    if (isRetained && !this.#retain(message)) deliveries.push(tellNotRetained)
    const [first = Effect.void, ...others] = deliveries
    return others.length === 0 ? first : Effect.all(deliveries, { discard: true })
  }

  /** A connected subscriber of QoS 1, other than the publisher, that has no room and may still make some, if there is one. */
  fullSubscriber(topic: string, publisher: Session): Session | undefined {
    const { full } = this.#budget
    if (full.size === 0) return undefined
    for (const { granted } of this.#audiences.matching(topic)) {
      for (const [session, qos] of granted) {
        if (qos === 1 && session !== publisher && full.has(session) && !session.isStuck) return session
      }
    }
    return undefined
  }

  #retain(message: Message): boolean {
    const { bytes, messages } = this.#limits.retained
    const before = this.#retained.get(message.topic)
    const size = message.payload.length === 0 ? 0 : message.size
    const total = this.#retainedBytes - (before?.size ?? 0) + size
    if (size > 0 && (total > bytes || (before === undefined && this.#retained.size >= messages))) return false
    this.#retainedBytes = total
    if (size === 0) this.#retained.delete(message.topic)
    else this.#retained.set(message.topic, message)
    return true
  }

  /** Removes a session from the audience of a filter, which it returns. */
  #remove(session: Session, filter: string): Audience | undefined {
    const audience = this.#audiences.get(filter)
    session.subscriptions.delete(filter)
    audience?.granted.delete(session)
    if (audience?.granted.size === 0) this.#audiences.delete(filter)
    return audience
  }

  #forget(session: Session): void {
    for (const filter of session.subscriptions.keys()) this.#remove(session, filter)
    session.discard()
    this.#sessions.delete(session.clientId)
  }

  #admit(clientId: string, isClean: boolean): Session | undefined {
    if (this.#sessions.size >= this.#limits.sessions) this.#expire()
    if (this.#sessions.size >= this.#limits.sessions) return undefined
    const session = new Session(clientId, isClean, this.#budget)
    this.#sessions.set(clientId, session)
    return session
  }

  #expire(): void {
    const before = this.#now() - this.#limits.sessionExpiry
    for (const session of this.#sessions.values()) {
      if (session.link === undefined && session.offlineSince < before) this.#forget(session)
    }
  }
}

/**
 * Gives a message to each subscriber of some audiences once. Subscribers that have to acknowledge it get it from their
 * sessions. Others get it now or never: by the broadcast of the first audience, or alone if they are only in other audiences.
 */
const deliver = (message: Message, audiences: ReadonlyArray<Audience>): Array<Effect.Effect<void>> => {
  const [first, ...others] = audiences
  if (first === undefined) return []
  const deliveries: Array<Effect.Effect<void>> = []
  const offer = ({ link }: Session) => {
    if (link !== undefined) deliveries.push(Effect.asVoid(Subscription.offer(link.queue, message.once(false))))
  }
  if (message.qos === 0) {
    deliveries.push(Broadcast.publish(first.connected, message.once(false)))
    for (const session of merged(others).keys()) if (!first.granted.has(session)) offer(session)
  } else {
    for (const [session, qos] of merged(audiences)) {
      if (qos === 0) offer(session)
      else session.deliver(message)
    }
  }
  return deliveries
}

/** The subscribers of several audiences, each with the highest QoS granted. */
const merged = (audiences: ReadonlyArray<Audience>): ReadonlyMap<Session, Qos> => {
  if (audiences.length === 1) return audiences[0]!.granted
  const all = new Map<Session, Qos>()
  for (const { granted } of audiences) {
    for (const [session, qos] of granted) if (qos === 1 || !all.has(session)) all.set(session, qos)
  }
  return all
}
