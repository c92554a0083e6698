/** Subscribers by channel and by pattern. A message is encoded once for all subscribers of the same form. */
import * as Subscription from "@sluice/core/Subscription"
import * as Framing from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { glob } from "./glob.ts"
import { bulk, framing, type Reply, toResp2 } from "./Reply.ts"

/** A connection that subscribes. */
export interface Subscriber {
  readonly protocol: 2 | 3
  readonly queue: Subscription.Subscription<Uint8Array>
}

export type Kind = "channel" | "pattern"

interface Delivery {
  readonly to: Subscriber
  readonly bytes: Uint8Array
}

export class PubSub {
  readonly #members = { channel: new Map<string, Set<Subscriber>>(), pattern: new Map<string, Set<Subscriber>>() }
  readonly #tests = new Map<string, (channel: string) => boolean>()
  #deliveries: Array<Delivery> = []

  subscribe(kind: Kind, name: string, subscriber: Subscriber): void {
    const members = this.#members[kind].get(name)
    if (members !== undefined) return void members.add(subscriber)
    this.#members[kind].set(name, new Set([subscriber]))
    if (kind === "pattern") this.#tests.set(name, glob(name))
  }

  unsubscribe(kind: Kind, name: string, subscriber: Subscriber): void {
    const members = this.#members[kind].get(name)
    if (!members?.delete(subscriber) || members.size > 0) return
    this.#members[kind].delete(name)
    if (kind === "pattern") this.#tests.delete(name)
  }

  channels(): ReadonlyArray<string> {
    return [...this.#members.channel.keys()]
  }

  patterns(): number {
    return this.#members.pattern.size
  }

  count(channel: string): number {
    return this.#members.channel.get(channel)?.size ?? 0
  }

  /** Publishes a message, which `deliver` then delivers. Returns the number of subscribers. */
  publish(channel: string, message: string): number {
    let count = this.#send(this.#members.channel.get(channel), ["message", channel, message])
    for (const [pattern, test] of this.#tests) {
      if (test(channel)) {
        count += this.#send(this.#members.pattern.get(pattern), ["pmessage", pattern, channel, message])
      }
    }
    return count
  }

  #send(members: ReadonlySet<Subscriber> | undefined, words: ReadonlyArray<string>): number {
    if (members === undefined) return 0
    const push: Reply = { _tag: "Push", items: words.map(bulk) }
    const encoded = new Map<number, Uint8Array>()
    for (const to of members) {
      let bytes = encoded.get(to.protocol)
      if (bytes === undefined) encoded.set(to.protocol, bytes = encode(to.protocol === 3 ? push : toResp2(push)))
      this.#deliveries.push({ to, bytes })
    }
    return members.size
  }

  get isIdle(): boolean {
    return this.#deliveries.length === 0
  }

  /** Moves published messages to the queues of their subscribers. It never waits. */
  readonly deliver: Effect.Effect<void> = Effect.suspend(() => {
    const deliveries = this.#deliveries
    this.#deliveries = []
    return Effect.forEach(deliveries, ({ bytes, to }) => Subscription.offer(to.queue, bytes), { discard: true })
  })
}

const encode = (reply: Reply): Uint8Array =>
  Bytes.concat(Result.getOrThrow(Framing.encodeAll(framing, [reply]) as Result.Result<Array<Uint8Array>, FramingError>))
