/** Serves a connection: CONNECT first, within a time limit, and then the other packets of MQTT 3.1.1. */
import * as Codec from "@sluice/codec/Codec"
import * as Mqtt from "@sluice/codec/formats/Mqtt"
import * as Connection from "@sluice/core/Connection"
import * as Conversation from "@sluice/core/Conversation"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as Subscription from "@sluice/core/Subscription"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
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
  readonly limits?: Limits | undefined
}

/** How long a client may take to send CONNECT. */
const connectTimeout = Duration.seconds(10)

/** How long a publisher waits for a subscriber that makes no room. */
const patience = Duration.seconds(5)

/** In bytes. */
const longest = { packet: 256 * 1024, clientId: 256 }

const framing = Codec.framing(packet, { maxFrameLength: longest.packet })

type Failure = Parted | Subscription.Overflowed | NetworkError.NetworkError | FramingError
interface Client {
  readonly session: Session
  readonly link: Link
  /** In seconds; 0: it may be silent for any time. */
  readonly keepAlive: number
}

type Next = Conversation.Next<Failure, Scope.Scope>
type Step = Conversation.Reply<Packet> | Next | void

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

const handler = (broker: Broker, options: Options, now: () => number) => (connection: Connection.Connection) =>
  Effect.gen(function*() {
    const connected = yield* Deferred.make<Client>()
    let who = "a client"
    let lastPacketAt = now()
    // Packets of a client that is held up are not read.
    let isHeld = false

    /** Writes an answer, before the messages that it permits. */
    const say = (answer: Packet) => Connection.write(connection, encode(answer))
    const refuse = (code: number) => Effect.as(say(connAck(code)), Conversation.finish)

    const connect = Effect.fnUntraced(
      function*(message: Packets<"Connect">): Effect.fn.Return<Next, Failure, Scope.Scope> {
        yield* checked(problemOfConnect(message))
        if (message.level === 5) {
          return yield* Effect.as(Connection.write(connection, wrongVersion5), Conversation.finish)
        }
        if (message.protocol !== "MQTT" || message.level !== 4) {
          return yield* refuse(codes.wrongVersion)
        }
        if (options.credentials?.accept(message.userName, message.password) === false) {
          yield* Effect.logWarning("wrong user name or password")
          return yield* refuse(codes.notAuthorized)
        }
        const isNamed = message.clientId !== ""
        if ((!isNamed && !message.clean) || Buffer.byteLength(message.clientId) > longest.clientId) {
          return yield* refuse(codes.badIdentifier)
        }
        const clientId = isNamed ? message.clientId : `auto-${Math.abs(yield* Random.nextInt)}`
        const { keepAlive, will, willQos, willRetain } = message
        const link = yield* Link.make(
          clientId,
          will && { message: new Message(will.topic, will.payload, willQos), isRetained: willRetain }
        )
        const opened = yield* Effect.acquireRelease(
          broker.open(clientId, message.clean, link),
          (opened) => opened === undefined ? Effect.void : broker.close(opened.session, link)
        )
        if (opened === undefined) return yield* refuse(codes.unavailable)
        const { isPresent, session } = opened
        who = `client ${shown(clientId)}`
        yield* tellMissed(session, link)
        yield* Effect.addFinalizer(() => tellMissed(session, link))
        yield* say(connAck(codes.accepted, isPresent))
        yield* Deferred.succeed(connected, { session, link, keepAlive })
        return Conversation.become(active(session, link))
      }
    )

    /** Logs how many messages the client has missed. */
    const tellMissed = (session: Session, link: Link) =>
      Effect.suspend(() => {
        const count = session.dropped + link.queue.dropped
        session.dropped = 0
        return count === 0 ? Effect.void : Effect.logWarning(`${who} has missed ${count} messages, which did not fit`)
      })

    const greeting = Conversation.state({
      framing,
      onMessage: (message) => message._tag === "Connect" ? connect(message) : parted("the first packet is not CONNECT")
    })

    const active = (session: Session, link: Link) =>
      Conversation.state({
        framing,
        onMessage: (message) => {
          lastPacketAt = now()
          return take(message, session, link)
        }
      })

    const take = (message: Packet, session: Session, link: Link): Effect.Effect<Step, Failure> => {
      switch (message._tag) {
        case "Publish":
          return publish(message, session)
        case "PubAck":
          session.acknowledge(message.id)
          return Effect.void
        case "Subscribe":
          return subscribe(message, session)
        case "Unsubscribe":
          return unsubscribe(message, session)
        case "PingReq":
          return Effect.succeed(Conversation.reply<Packet>({ _tag: "PingResp" }))
        case "Disconnect":
          link.will = undefined
          return Effect.succeed(Conversation.finish)
        default:
          return parted(`a client does not send ${message._tag} at this point`)
      }
    }

    const subscribe = Effect.fnUntraced(function*(message: Packets<"Subscribe">, session: Session) {
      yield* checked(problemOfSubscribe(message))
      const reasons = yield* Effect.forEach(message.topics, ({ filter, options }) => {
        const qos = options === 0 ? 0 : 1
        if (!topics.isWithinLimits(filter)) return Effect.succeed(refusedTopic)
        return Effect.map(broker.subscribe(session, filter, qos), (isGranted) => isGranted ? qos : refusedTopic)
      })
      yield* say({ _tag: "SubAck", id: message.id, properties: undefined, reasons })
      for (const { filter } of message.topics) broker.deliverRetained(session, filter)
    })

    const unsubscribe = Effect.fnUntraced(function*({ filters, id }: Packets<"Unsubscribe">, session: Session) {
      if (id === 0 || filters.length === 0) return yield* parted("an UNSUBSCRIBE needs an id and filters")
      for (const filter of filters) yield* broker.unsubscribe(session, filter)
      return Conversation.reply<Packet>({ _tag: "UnsubAck", id, properties: undefined, reasons: [] })
    })

    const publish = (message: Packets<"Publish">, session: Session): Effect.Effect<Step, Parted> => {
      const problem = problemOfPublish(message)
      if (problem !== undefined) return checked(problem)
      const isHeldUp = message.qos === 1 && broker.fullSubscriber(message.topic, session) !== undefined
      return isHeldUp
        ? Effect.andThen(untilRoom(message.topic, session), Effect.suspend(() => accept(message)))
        : accept(message)
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

    const accept = ({ id, payload, qos, retain, topic }: Packets<"Publish">): Effect.Effect<Step> => {
      // Only a broker publishes to reserved topics: a client's message is acknowledged and dropped.
      const published = topics.isReserved(topic)
        ? Effect.void
        : broker.publish(new Message(topic, payload, qos), retain)
      if (id === undefined) return published
      const answer = Conversation.reply<Packet>({ _tag: "PubAck", id, reason: undefined, properties: undefined })
      return published === Effect.void ? Effect.succeed(answer) : Effect.as(published, answer)
    }

    /** Fails when the client has sent no packet for one and a half times its keep-alive. */
    const silence = (keepAlive: number): Effect.Effect<never, Parted> =>
      Effect.suspend(() => {
        const allowed = keepAlive * 1500
        const left = (isHeld ? now() : lastPacketAt) + allowed - now()
        if (left > 0) return Effect.andThen(Effect.sleep(left), silence(keepAlive))
        return parted(`no packet within ${allowed / 1000}s; its keep-alive is ${keepAlive}s`)
      })

    const serving = Effect.timeoutOrElse(Deferred.await(connected), {
      duration: connectTimeout,
      orElse: () => parted(`no CONNECT within ${Duration.format(connectTimeout)}`)
    }).pipe(Effect.flatMap(({ keepAlive, link, session }) =>
      Effect.raceAllFirst([
        Effect.andThen(Subscription.writeTo(link.queue, connection), Effect.never),
        session.writeTo(link, connection),
        link.ended,
        keepAlive === 0 ? Effect.never : silence(keepAlive)
      ])
    ))

    yield* Effect.raceFirst(Conversation.handler(() => greeting)(connection), serving).pipe(
      Effect.catchTag("Parted", ({ message }) => parted(`cannot serve ${who}: ${message}`))
    )
  })

const parted = (message: string) => Effect.fail(new Parted({ message }))

const checked = (problem: string | undefined) => problem === undefined ? Effect.void : parted(problem)
