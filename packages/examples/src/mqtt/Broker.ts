/** The broker: sessions by client, subscriptions by filter, and retained messages by topic. All are bounded, and in memory. */
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

export class Broker {
  readonly #limits: Limits
  /** Milliseconds of the monotonic clock. */
  readonly #now: () => number
  readonly #sessions = new Map<string, Session>()
  readonly #subscribers = new TopicTree<Map<Session, Qos>>()
  readonly #retained = new TopicTree<Message>()
  readonly #budget: Budget
  #retainedBytes = 0

  constructor(limits: Limits, now: () => number) {
    this.#limits = limits
    this.#now = now
    this.#budget = { free: limits.waitingBytes, full: new Set() }
  }

  /** Ends an older connection of the client, and finds or makes its session; undefined if there is no room for it. */
  open(clientId: string, isClean: boolean): { readonly session: Session; readonly isPresent: boolean } | undefined {
    const before = this.#sessions.get(clientId)
    const { link } = before ?? {}
    if (before !== undefined && link !== undefined) {
      link.end("another connection has its client identifier")
      this.close(before, link)
    }
    const kept = this.#sessions.get(clientId)
    if (kept !== undefined && !isClean) return { session: kept, isPresent: true }
    if (kept !== undefined) this.#forget(kept)
    if (this.#sessions.size >= this.#limits.sessions) this.#expire()
    if (this.#sessions.size >= this.#limits.sessions) return undefined
    const session = new Session(clientId, isClean, this.#budget)
    this.#sessions.set(clientId, session)
    return { session, isPresent: false }
  }

  /** Detaches a closed connection, and publishes its will unless the client withdrew it. */
  close(session: Session, link: Link): void {
    if (session.link !== link) return
    session.detach(this.#now())
    if (session.isClean) this.#forget(session)
    if (link.will !== undefined) this.publish(link.will.message, link.will.retain)
    link.will = undefined
  }

  /** Subscribes to a filter. Returns whether there was room for it. */
  subscribe(session: Session, filter: string, qos: Qos): boolean {
    const { subscriptions } = session
    if (!subscriptions.has(filter) && subscriptions.size >= this.#limits.subscriptionsPerClient) return false
    subscriptions.set(filter, qos)
    const members = this.#subscribers.get(filter)
    if (members === undefined) this.#subscribers.set(filter, new Map([[session, qos]]))
    else members.set(session, qos)
    for (const { topic } of this.#retained.selected(filter)) {
      session.deliverRetained(topic, qos, () => this.#retained.get(topic))
    }
    return true
  }

  unsubscribe(session: Session, filter: string): void {
    session.subscriptions.delete(filter)
    const members = this.#subscribers.get(filter)
    if (members?.delete(session) && members.size === 0) this.#subscribers.delete(filter)
  }

  /** Delivers a message to each subscriber of its topic once. Returns false if there was no room to retain it. */
  publish(message: Message, isRetained: boolean): boolean {
    const groups = this.#subscribers.matching(message.topic)
    for (const [session, qos] of groups.length === 1 ? groups[0]! : merged(groups)) session.deliver(message, qos)
    return !isRetained || this.#retain(message)
  }

  /** A connected subscriber of QoS 1, other than the publisher, that has no room and may still make some, if there is one. */
  fullSubscriber(topic: string, publisher: Session): Session | undefined {
    const { full } = this.#budget
    if (full.size === 0) return undefined
    for (const group of this.#subscribers.matching(topic)) {
      for (const [session, qos] of group) {
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

  #forget(session: Session): void {
    for (const filter of session.subscriptions.keys()) this.unsubscribe(session, filter)
    session.discard()
    this.#sessions.delete(session.clientId)
  }

  #expire(): void {
    const before = this.#now() - this.#limits.sessionExpiry
    for (const session of this.#sessions.values()) {
      if (session.link === undefined && session.offlineSince < before) this.#forget(session)
    }
  }
}

/** A client with several matching filters gets a message once, at the highest QoS granted. */
const merged = (groups: ReadonlyArray<ReadonlyMap<Session, Qos>>): ReadonlyMap<Session, Qos> => {
  const all = new Map<Session, Qos>()
  for (const group of groups) {
    for (const [session, qos] of group) if (qos === 1 || !all.has(session)) all.set(session, qos)
  }
  return all
}
