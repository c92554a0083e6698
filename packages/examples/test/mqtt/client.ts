/** A client of the broker on a simulated network, packet by packet. */
import { expect } from "@effect/vitest"
import * as Codec from "@sluice/codec/Codec"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Packet, packet } from "../../src/mqtt/Message.ts"
import { layer } from "../../src/mqtt/server.ts"

export const seeds = Number(process.env["SLUICE_SEEDS"] ?? 3)
const framing = Codec.framing(packet)
export const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"))
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text))
export const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString()

export const connectPacket = (
  clientId: string,
  options: { clean?: boolean; keepAlive?: number; will?: string } = {}
): Packet => ({
  _tag: "Connect",
  protocol: "MQTT",
  level: 4,
  willRetain: false,
  willQos: options.will === undefined ? 0 : 1,
  clean: options.clean ?? true,
  keepAlive: options.keepAlive ?? 0,
  properties: undefined,
  clientId,
  will: options.will === undefined
    ? undefined
    : { properties: undefined, topic: options.will, payload: bytesOf(clientId) },
  userName: undefined,
  password: undefined
})
export const publishPacket = (topic: string, text: string, qos: 0 | 1 = 0, retain = false): Packet => ({
  _tag: "Publish",
  duplicate: false,
  qos,
  retain,
  topic,
  id: qos === 0 ? undefined : 7,
  properties: undefined,
  payload: bytesOf(text)
})
export const subscribePacket = (filter: string, qos: 0 | 1): Packet => ({
  _tag: "Subscribe",
  id: 1,
  properties: undefined,
  topics: [{ filter, options: qos }]
})
export const acknowledgement = (id: number): Packet => ({
  _tag: "PubAck",
  id,
  reason: undefined,
  properties: undefined
})

export type Client = Framed.Framed<Packet, Packet>

export const next = (client: Client) => Effect.flatMap(Framed.receive(client), Effect.fromOption)
export const expectNext = <Tag extends Packet["_tag"]>(client: Client, tag: Tag) =>
  Effect.map(next(client), (packet) => {
    expect(packet._tag).toBe(tag)
    return packet as Extract<Packet, { readonly _tag: Tag }>
  })
/** The text of the next message, which is acknowledged. */
export const nextMessage = Effect.fnUntraced(function*(client: Client) {
  const message = yield* expectNext(client, "Publish")
  if (message.id !== undefined) yield* Framed.send(client, acknowledgement(message.id))
  return textOf(message.payload)
})
export const isGone = (client: Client) =>
  Effect.match(Framed.receive(client), { onFailure: () => true, onSuccess: Option.isNone })

export const connect = Effect.fnUntraced(function*(clientId: string, options?: Parameters<typeof connectPacket>[1]) {
  const client = yield* Framed.make(yield* Network.connect("broker:1883"), framing)
  yield* Framed.send(client, connectPacket(clientId, options))
  const { reason, sessionPresent } = yield* expectNext(client, "ConnAck")
  expect(reason).toBe(0)
  return { client, sessionPresent }
})
export const subscribe = Effect.fnUntraced(function*(client: Client, filter: string, qos: 0 | 1) {
  yield* Framed.send(client, subscribePacket(filter, qos))
  expect((yield* expectNext(client, "SubAck")).reasons).toEqual([qos])
})

export const broker = Effect.gen(function*() {
  const host = yield* SimNetwork.host("broker")
  yield* Host.serve(host, layer({ listen: "tcp://0.0.0.0:1883", writeTimeout: "30 seconds" }))
  return host
})

/** Runs a test on a host beside the broker. */
export const besideBroker = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    yield* broker
    yield* Host.run(yield* SimNetwork.host("user"), Effect.scoped(test))
  })
