/** A message for any number of subscribers. It is encoded once for each quality of service. */
import * as Codec from "@sluice/codec/Codec"
import * as Mqtt from "@sluice/codec/formats/Mqtt"
import * as Result from "effect/Result"

/** Delivered at most once, or at least once. */
export type Qos = 0 | 1

export const packet = Mqtt.packet(4)
export type Packet = Codec.Type<typeof packet>

export const encode = (value: Packet): Uint8Array => Result.getOrThrow(Codec.encode(packet, value))

const flags = { retain: 0b0001, duplicate: 0b1000 }

export class Message {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly #forms: [Uint8Array | undefined, Uint8Array | undefined] = [undefined, undefined]

  /** Keeps a copy of the payload, which may be lent. */
  constructor(topic: string, payload: Uint8Array, qos: number) {
    this.topic = topic
    this.payload = payload.slice()
    this.qos = qos === 0 ? 0 : 1
  }

  /** The approximate memory of the message, in bytes. */
  get size(): number {
    return this.payload.length + 2 * this.topic.length + 200
  }

  /** The packet for delivery at most once. */
  once(isRetained: boolean): Uint8Array {
    const form = this.#form(0)
    if (!isRetained) return form
    const copy = form.slice()
    copy[0]! |= flags.retain
    return copy
  }

  /** The packet for delivery at least once. The subscriber acknowledges `id`. */
  numbered(id: number, isRetained: boolean, isDuplicate: boolean): Uint8Array {
    const copy = this.#form(1).slice()
    copy[0]! |= (isRetained ? flags.retain : 0) | (isDuplicate ? flags.duplicate : 0)
    new DataView(copy.buffer, copy.byteOffset).setUint16(copy.length - this.payload.length - 2, id)
    return copy
  }

  #form(qos: Qos): Uint8Array {
    const { payload, topic } = this
    return this.#forms[qos] ??= encode({
      _tag: "Publish",
      duplicate: false,
      qos,
      retain: false,
      topic,
      id: qos === 0 ? undefined : 1,
      properties: undefined,
      payload
    })
  }
}
