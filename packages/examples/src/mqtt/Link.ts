/** The connection of a client: its outgoing packets, its will, and why it ends. */
import * as Connection from "@sluice/core/Connection"
import * as Subscription from "@sluice/core/Subscription"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Message } from "./Message.ts"

/** Packets and bytes that may wait for a slow client, and the messages that it may miss before it is disconnected. */
const limits = { packets: 1000, bytes: 1024 * 1024, missed: 1000 }

/** Why the broker ends a connection. */
export class Parted extends Data.TaggedError("Parted")<{ readonly message: string }> {}

/** The message to publish when the connection ends without DISCONNECT. */
export interface Will {
  readonly message: Message
  readonly retain: boolean
}

export class Link {
  will: Will | undefined
  readonly #queue: Subscription.Subscription<Uint8Array>
  readonly #ended = Deferred.makeUnsafe<never, Parted>()
  #outgoing: Array<Uint8Array> = []
  #packets = 0
  #bytes = 0
  #missed = 0

  constructor(queue: Subscription.Subscription<Uint8Array>, will: Will | undefined) {
    this.#queue = queue
    this.will = will
  }

  /** Whether another packet may wait, whatever its size. */
  get hasRoom(): boolean {
    return this.#packets < limits.packets && this.#bytes < limits.bytes
  }

  /** Adds a packet, which is written after `flush`. */
  push(bytes: Uint8Array): void {
    this.#packets++
    this.#bytes += bytes.length
    this.#outgoing.push(bytes)
  }

  /** Counts a message for which there was no room. */
  miss(): void {
    if (++this.#missed === limits.missed) this.end(`it reads too slowly and has missed ${this.#missed} messages`)
  }

  /** Ends the connection. */
  end(why: string): void {
    Deferred.doneUnsafe(this.#ended, Effect.fail(new Parted({ message: why })))
  }

  /** Fails when the connection has to end. */
  get ended(): Effect.Effect<never, Parted> {
    return Deferred.await(this.#ended)
  }

  /** Moves the added packets to the queue of the connection. It never waits. */
  readonly flush: Effect.Effect<void> = Effect.suspend(() => {
    const outgoing = this.#outgoing
    this.#outgoing = []
    return Effect.forEach(outgoing, (bytes) => Subscription.offer(this.#queue, bytes), { discard: true })
  })

  /** Writes queued packets to a connection, and runs `onRoom` after each batch. */
  writeTo(connection: Connection.Connection, onRoom: Effect.Effect<void>) {
    return Stream.runForEachArray(
      Subscription.messages(this.#queue),
      (packets) =>
        Effect.flatMap(Connection.writeAll(connection, packets), () => {
          this.#packets -= packets.length
          for (const { length } of packets) this.#bytes -= length
          return onRoom
        })
    )
  }
}

/** A queue for a link. Twice its limit leaves room for packets that are not messages. */
export const makeQueue = Effect.orDie(Subscription.make<Uint8Array>({ capacity: 2 * limits.packets }))
