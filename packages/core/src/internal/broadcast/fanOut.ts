import type * as Scheduler from "effect/Scheduler"
import { Batch } from "./publishedBatch.ts"
import type { Source, SubscriptionState, Waker } from "./subscription.ts"

// What is published in one go is given in one go, but no more of it than this is held back.
const mostHeldBack = 256

/**
 * The subscriptions that belong to a broadcast. What is published in one turn of the scheduler is given to them together,
 * at its end, so that a thousand receivers cost a thousand writes and not a thousand for each message.
 *
 * This is not visible: what was published is delivered before a subscription is read or changed, or the group is.
 */
export class Group<in out A> implements Source {
  readonly members = new Set<SubscriptionState<A>>()
  // Groups with members in common with this one, and how many: those must get all in the order of publication.
  readonly #related = new Map<Group<A>, number>()
  #messages: Array<A> = []
  // Who is not to get which of these messages.
  #exceptions = new Map<SubscriptionState<A>, Array<number>>()
  #dispatcher: Scheduler.SchedulerDispatcher | undefined = undefined
  #scheduled = false

  add(member: SubscriptionState<A>): void {
    if (this.members.has(member)) return
    this.settle()
    member.settle()
    const others = groupsOf(member)
    for (const other of others) relate(this, other, 1)
    this.members.add(member)
    join(member, [...others, this])
  }

  remove(member: SubscriptionState<A>): void {
    if (!this.members.has(member)) return
    this.settle()
    this.members.delete(member)
    const others = groupsOf(member).filter((group) => group !== this)
    for (const other of others) relate(this, other, -1)
    join(member, others)
  }

  /** Counts members in common with another group. */
  count(other: Group<A>, by: 1 | -1): void {
    const common = (this.#related.get(other) ?? 0) + by
    if (common === 0) this.#related.delete(other)
    else this.#related.set(other, common)
  }

  publish(message: A, dispatcher: Scheduler.SchedulerDispatcher, except?: SubscriptionState<A>): void {
    for (const group of this.#related.keys()) group.settle()
    if (this.members.size === 0) return
    if (except !== undefined) this.#except(except)
    this.#messages.push(message)
    this.#dispatcher = dispatcher
    if (this.#messages.length >= mostHeldBack) return this.settle()
    if (this.#scheduled) return
    this.#scheduled = true
    dispatcher.scheduleTask(this.#endOfTurn, 0)
  }

  #except(member: SubscriptionState<A>): void {
    const indexes = this.#exceptions.get(member)
    if (indexes === undefined) this.#exceptions.set(member, [this.#messages.length])
    else indexes.push(this.#messages.length)
  }

  // Receivers are woken when all have got everything, because they may publish in their turn.
  readonly #endOfTurn = (): void => {
    this.#scheduled = false
    const wakings: Array<() => void> = []
    this.#give({ scheduleTask: (waking) => void wakings.push(waking) })
    for (const wake of wakings) wake()
  }

  /** Gives the members what was published. */
  settle(): void {
    if (this.#messages.length > 0) this.#give(this.#dispatcher!)
  }

  #give(waker: Waker): void {
    if (this.#messages.length === 0) return
    const batch = new Batch(this.#messages)
    const exceptions = this.#exceptions
    this.#messages = []
    if (exceptions.size > 0) this.#exceptions = new Map()
    for (const member of this.members) {
      const indexes = exceptions.size === 0 ? undefined : exceptions.get(member)
      member.offerAll(indexes === undefined ? batch : batch.without(indexes), waker)
    }
  }
}

/** The groups that each subscription belongs to. */
const memberships = new WeakMap<object, ReadonlyArray<Group<unknown>>>()

const groupsOf = <A>(member: SubscriptionState<A>): ReadonlyArray<Group<A>> =>
  (memberships.get(member) ?? []) as ReadonlyArray<unknown> as ReadonlyArray<Group<A>>

const join = <A>(member: SubscriptionState<A>, groups: ReadonlyArray<Group<A>>): void => {
  memberships.set(member, groups as ReadonlyArray<unknown> as ReadonlyArray<Group<unknown>>)
  member.sources = groups
}

const relate = <A>(a: Group<A>, b: Group<A>, by: 1 | -1): void => {
  a.count(b, by)
  b.count(a, by)
}
