/** Serves a connection: CONNECT first, within a time limit, and then the other packets of MQTT 3.1.1. */
import * as Codec from "@sluice/codec/Codec"
import * as Mqtt from "@sluice/codec/formats/Mqtt"
import * as Connection from "@sluice/core/Connection"
import * as Conversation from "@sluice/core/Conversation"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type { Credentials } from "../cli/Credentials.ts"
import { Broker, defaultLimits, type Limits } from "./Broker.ts"
import { Link, Parted } from "./Link.ts"
import { encode, Message, type Packet, packet } from "./Message.ts"
import { type Packets, problemOfConnect, problemOfPublish, problemOfSubscribe, shown } from "./problems.ts"
import type { Session } from "./Session.ts"
import * as topics from "./topic.ts"

export interface Options {
  /** The users that may connect. Default: everyone. */
  readonly credentials?: Credentials | undefined
  /** The longest packet, in bytes. Default: 256 KiB. */
  readonly maxPacketLength?: number | undefined
  readonly limits?: Limits | undefined
}

/** How long a client may take to send CONNECT. */
const connectTimeout = Duration.seconds(10)

/** How long a publisher waits for a subscriber that makes no room. */
const patience = Duration.seconds(5)

const longestClientId = 256

type Failure = Parted | NetworkError.NetworkError | FramingError
type Step = Conversation.Reply<Packet> | Conversation.Next | void

const codes = { accepted: 0, wrongVersion: 1, badIdentifier: 2, unavailable: 3, notAuthorized: 5 } as const
const refusedTopic = 0x80

const connAck = (reason: number, sessionPresent = false): Packet => ({
  _tag: "ConnAck",
  sessionPresent,
  reason,
  properties: undefined
})

/** The answer to a client of MQTT 5: unsupported protocol version. */
const wrongVersion5 = Result.getOrThrow(
  Codec.encode(Mqtt.packet(5), { _tag: "ConnAck", sessionPresent: false, reason: 0x84, properties: [] })
)

/** A broker, which forgets everything when the Layer ends. */
export const layer = (server: Server.Options, options: Options = {}) =>
  Layer.unwrap(Effect.map(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const broker = new Broker(options.limits ?? defaultLimits, now)
    return Server.layer(server, handler(broker, options, now))
  }))

const handler = (broker: Broker, options: Options, now: () => number) => {
  const framing = Codec.framing(packet, { maxFrameLength: options.maxPacketLength ?? 256 * 1024 })

  return (connection: Connection.Connection) =>
    Effect.gen(function*() {
      const link = new Link()
      const connected = yield* Deferred.make<Session>()
      let client: Session | undefined
      let keepAlive = 0
      let lastPacketAt = now()
      // Packets of a client that is held up are not read.
      let isHeld = false
      let published = 0

      const connect = Effect.fnUntraced(function*(
        message: Packets<"Connect">,
        peer: Conversation.Peer<Packet>
      ): Effect.fn.Return<Conversation.Next | undefined, Failure> {
        yield* checked(problemOfConnect(message))
        const refused = (code: number) => Effect.as(peer.send(connAck(code)), Conversation.finish)
        if (message.protocol !== "MQTT" || message.level !== 4) {
          if (message.level !== 5) return yield* refused(codes.wrongVersion)
          yield* Connection.write(connection, wrongVersion5)
          return Conversation.finish
        }
        if (options.credentials?.accept(message.userName, message.password) === false) {
          yield* Effect.logWarning("wrong user name or password")
          return yield* refused(codes.notAuthorized)
        }
        const isNamed = message.clientId !== ""
        if ((!isNamed && !message.clean) || Buffer.byteLength(message.clientId) > longestClientId) {
          return yield* refused(codes.badIdentifier)
        }
        const clientId = isNamed ? message.clientId : `auto-${Math.abs(yield* Random.nextInt)}`
        const opened = broker.open(clientId, message.clean)
        if (opened === undefined) return yield* refused(codes.unavailable)
        const { isPresent, session } = opened
        const { will, willQos, willRetain } = message
        link.will = will && { message: new Message(will.topic, will.payload, willQos), retain: willRetain }
        client = session
        keepAlive = message.keepAlive
        if (session.dropped > 0) {
          yield* Effect.logWarning(
            `client ${shown(clientId)} has missed ${session.dropped} messages, which did not fit`
          )
          session.dropped = 0
        }
        link.push(encode(connAck(codes.accepted, isPresent)))
        session.attach(link)
        yield* Deferred.succeed(connected, session)
        return undefined
      })

      const take = (message: Packet, session: Session): Effect.Effect<Step, Parted> => {
        switch (message._tag) {
          case "Publish":
            return publish(message, session)
          case "PubAck":
            session.acknowledge(message.id)
            return Effect.void
          case "Subscribe": {
            const problem = problemOfSubscribe(message)
            if (problem !== undefined) return checked(problem)
            const reasons = message.topics.map(({ filter, options }) => {
              const qos = options === 0 ? 0 : 1
              return topics.isWithinLimits(filter) && broker.subscribe(session, filter, qos) ? qos : refusedTopic
            })
            link.push(encode({ _tag: "SubAck", id: message.id, properties: undefined, reasons }))
            session.pump()
            return Effect.void
          }
          case "Unsubscribe":
            if (message.id === 0 || message.filters.length === 0) {
              return checked("an UNSUBSCRIBE needs an id and filters")
            }
            for (const filter of message.filters) broker.unsubscribe(session, filter)
            link.push(encode({ _tag: "UnsubAck", id: message.id, properties: undefined, reasons: [] }))
            return Effect.void
          case "PingReq":
            return Effect.succeed(Conversation.reply<Packet>({ _tag: "PingResp" }))
          case "Disconnect":
            link.will = undefined
            return Effect.succeed(Conversation.finish)
          default:
            return checked(`a client does not send ${message._tag} at this point`)
        }
      }

      const publish = (message: Packets<"Publish">, session: Session): Effect.Effect<Step, Parted> => {
        const problem = problemOfPublish(message)
        if (problem !== undefined) return checked(problem)
        const isHeldUp = message.qos === 1 && broker.fullSubscriber(message.topic, session) !== undefined
        // However much a client publishes at once, what it has published before is written in between.
        const before = isHeldUp
          ? untilRoom(message.topic, session)
          : ++published % 64 === 0
          ? Effect.yieldNow
          : undefined
        return before === undefined ? accept(message) : Effect.andThen(before, Effect.suspend(() => accept(message)))
      }

      /** Waits for subscribers of QoS 1 that have no room. A subscriber that makes none in time misses messages. */
      const untilRoom = (topic: string, session: Session): Effect.Effect<void> =>
        Effect.suspend(() => {
          const full = broker.fullSubscriber(topic, session)
          isHeld = full !== undefined
          if (full === undefined) return Effect.void
          return Effect.flatMap(Effect.timeoutOption(full.room.await, patience), (room) => {
            if (Option.isNone(room)) full.isStuck = true
            lastPacketAt = now()
            return untilRoom(topic, session)
          })
        })

      const accept = (message: Packets<"Publish">): Effect.Effect<Step> => {
        // Only a broker publishes to reserved topics: a client's message is acknowledged and dropped.
        const isRetained = topics.isReserved(message.topic) ||
          broker.publish(new Message(message.topic, message.payload, message.qos), message.retain)
        const step: Step = message.id === undefined
          ? undefined
          : Conversation.reply<Packet>({ _tag: "PubAck", id: message.id, reason: undefined, properties: undefined })
        if (isRetained) return Effect.succeed(step)
        return Effect.as(
          Effect.logWarning("a message is not retained: there is no room for more; delete some, or raise the limits"),
          step
        )
      }

      const conversation = Conversation.state({
        framing,
        onMessage: (message, peer): Effect.Effect<Step, Failure> => {
          lastPacketAt = now()
          if (client !== undefined) return take(message, client)
          return message._tag === "Connect" ? connect(message, peer) : checked("the first packet is not CONNECT")
        }
      })

      const inTime = Effect.timeoutOrElse(Deferred.await(connected), {
        duration: connectTimeout,
        orElse: () => Effect.fail(new Parted({ message: `no CONNECT within ${Duration.format(connectTimeout)}` }))
      })

      /** Fails when the client has sent no packet for one and a half times its keep-alive. */
      const silence = Effect.suspend(() => {
        if (keepAlive === 0) return Effect.never
        const allowed = keepAlive * 1500
        const wait: Effect.Effect<never, Parted> = Effect.suspend(() => {
          const left = (isHeld ? now() : lastPacketAt) + allowed - now()
          return left > 0
            ? Effect.andThen(Effect.sleep(Duration.millis(left)), wait)
            : Effect.fail(
              new Parted({ message: `no packet within ${allowed / 1000}s; its keep-alive is ${keepAlive}s` })
            )
        })
        return wait
      })

      const serving = Effect.flatMap(inTime, (session) => {
        const writing = link.writeTo(connection, () => {
          if (session.link === link) session.pump()
        })
        return Effect.raceAllFirst([writing, link.ended, silence])
      })

      yield* Effect.raceFirst(Conversation.handler(() => conversation)(connection), serving).pipe(
        Effect.catchTag("Parted", ({ message }) => {
          const who = client === undefined ? "a client" : `client ${shown(client.clientId)}`
          return Effect.fail(new Parted({ message: `cannot serve ${who}: ${message}` }))
        }),
        Effect.ensuring(Effect.sync(() => {
          if (client !== undefined) broker.close(client, link)
        }))
      )
    })
}

const checked = (problem: string | undefined): Effect.Effect<void, Parted> =>
  problem === undefined ? Effect.void : Effect.fail(new Parted({ message: problem }))
