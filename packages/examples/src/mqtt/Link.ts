/** The connection of a client: its outgoing packets, its will, and why it ends. */
import * as Connection from "@sluice/core/Connection"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
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
  will: Will | undefined = undefined
  readonly #ended = Deferred.makeUnsafe<never, Parted>()
  /** Open while there are packets. */
  readonly #backlog = Latch.makeUnsafe(false)
  #outgoing: Array<Uint8Array> = []
  #packets = 0
  #bytes = 0
  #missed = 0

  /** Whether another message may wait, whatever its size. */
  get hasRoom(): boolean {
    return this.#packets < limits.packets && this.#bytes < limits.bytes
  }

  /** Adds a packet. Those of one turn are written together. */
  push(bytes: Uint8Array): void {
    // Messages leave half of the room for answers.
    if (this.#packets >= 2 * limits.packets) return this.end(`it does not read the ${this.#packets} packets that wait`)
    this.#packets++
    this.#bytes += bytes.length
    this.#outgoing.push(bytes)
    this.#backlog.openUnsafe()
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

  /** Writes packets to a connection, and calls `onRoom` after each batch. */
  writeTo(connection: Connection.Connection, onRoom: () => void): Effect.Effect<never, NetworkError.NetworkError> {
    const batch = Effect.suspend(() => {
      const packets = this.#outgoing
      this.#outgoing = []
      this.#backlog.closeUnsafe()
      return Effect.map(Connection.writeAll(connection, packets), () => {
        this.#packets -= packets.length
        for (const { length } of packets) this.#bytes -= length
        onRoom()
      })
    })
    return Effect.forever(Effect.andThen(this.#backlog.await, batch))
  }
}
