/** A server of Redis' protocol: what `redis-cli` and clients ask of one, with all data in memory. */
import type * as Resp from "@sluice/codec/formats/Resp"
import * as Connection from "@sluice/core/Connection"
import * as Conversation from "@sluice/core/Conversation"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as Subscription from "@sluice/core/Subscription"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { commands } from "./commands/table.ts"
import { splitInline } from "./inline.ts"
import { Keyspace, type Limits } from "./Keyspace.ts"
import { PubSub } from "./PubSub.ts"
import { type Blocked, error, framing, nilArray, type Outcome, type Reply, toResp2, toResp3 } from "./Reply.ts"
import { Session, type Shared } from "./Session.ts"

/** How often expired keys are swept, and how many at once: few enough not to delay commands. */
const sweepEvery = Duration.millis(100)
const sweptAtOnce = 1000

export const defaultLimits: Limits = {
  maxMemory: 256 * 1024 * 1024,
  maxKeys: 10_000_000,
  // As in Redis.
  maxUnread: 32 * 1024 * 1024
}

// Published messages that may wait for a subscriber, however short they are.
const mostUnread = 100_000

/** A server whose data lives as long as the Layer. */
export const layer = (options: Server.Options, limits: Limits = defaultLimits) =>
  Layer.unwrap(Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const keyspace = new Keyspace(limits, () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
    const wallMillis = () => clock.currentTimeMillisUnsafe()
    const shared: Shared = {
      commands,
      keyspace,
      pubSub: new PubSub(),
      wallMillis,
      scripts: new Map(),
      startedAt: wallMillis(),
      sessions: new Set()
    }
    return Layer.merge(Server.layer(options, serve(shared)), Layer.effectDiscard(Effect.forkScoped(sweep(keyspace))))
  }))

/** Removes expired keys periodically, while there are keys that can expire. */
const sweep = (keyspace: Keyspace): Effect.Effect<never> =>
  Effect.suspend(() => {
    const some = Latch.makeUnsafe(keyspace.volatile.size > 0)
    keyspace.onVolatile = () => some.openUnsafe()
    const turn = Effect.sync(() => {
      keyspace.sweep(sweptAtOnce)
      if (keyspace.volatile.size === 0) some.closeUnsafe()
    })
    return Effect.forever(Effect.andThen(some.await, Effect.andThen(Effect.sleep(sweepEvery), turn)))
  })

type Failure = NetworkError.NetworkError | FramingError

const serve = (shared: Shared) => {
  let lastId = 0
  const ahead = { capacity: mostUnread, maxBytes: shared.keyspace.limits.maxUnread }
  return (connection: Connection.Connection): Effect.Effect<void, Failure | Subscription.Overflowed, Scope.Scope> =>
    Effect.gen(function*() {
      const queue = yield* Effect.orDie(Subscription.make<Uint8Array>(ahead))
      const session = new Session(shared, ++lastId, Connection.formatPeer(connection), queue)
      shared.sessions.add(session)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          session.discard()
          session.leave()
          shared.sessions.delete(session)
        })
      )
      const state = Conversation.state({ framing, onMessage: handler(session) })
      // A subscriber that reads too slowly is disconnected, as by Redis.
      yield* Effect.raceFirst(
        Conversation.handler(() => state)(connection),
        Effect.andThen(Subscription.writeTo(queue, connection), Effect.never)
      )
    }).pipe(
      Effect.catchTag("FramingError", (error) =>
        Effect.andThen(
          Effect.logInfo(`bad command: ${error.message}`),
          Connection.writeText(connection, "-ERR Protocol error\r\n")
        ))
    )
}

type Peer = Conversation.Peer<Reply>
type Step = Conversation.Reply<Reply> | Conversation.Next | void

/** Runs commands. Most are answered without a fiber, so that a pipeline is one batch. */
const handler = (session: Session) => {
  const { keyspace, shared } = session
  const written = (reply: Reply): Reply => session.protocol === 2 ? toResp2(reply) : toResp3(reply)
  const respond = (outcome: Outcome, peer: Peer): Effect.Effect<Step, Failure> => {
    switch (outcome._tag) {
      case "Several":
        return Effect.forEach(outcome.replies, (reply) => peer.send(written(reply)), { discard: true })
      case "Close":
        return Effect.as(peer.send(outcome.reply), Conversation.finish)
      case "Blocked":
        return wait(outcome, peer)
      default:
        return Effect.succeed(Conversation.reply(written(outcome)))
    }
  }
  const wait = (blocked: Blocked, peer: Peer): Effect.Effect<Step, Failure> => {
    const found = Effect.callback<Reply>((resume) => {
      const leave = keyspace.wait(blocked, (reply) => resume(Effect.succeed(reply)))
      return Effect.sync(leave)
    })
    const timely = blocked.millis === 0 ? found : Effect.timeoutOrElse(found, {
      duration: Duration.millis(blocked.millis),
      orElse: () => Effect.succeed(nilArray)
    })
    return Effect.raceFirst(
      Effect.map(timely, (reply): Step => Conversation.reply(written(reply))),
      Effect.as(peer.ended, Conversation.finish)
    )
  }
  return (message: Resp.Command<string>, peer: Peer): Effect.Effect<Step, Failure> => {
    const words = message._tag === "Command" ? message.words : splitInline(message.line)
    if (words === undefined) {
      return Effect.as(peer.send(error("ERR Protocol error: unbalanced quotes in request")), Conversation.finish)
    }
    if (words.length === 0) return Effect.void
    const outcome = session.execute(words)
    if (shared.pubSub.isIdle) return respond(outcome, peer)
    return Effect.flatMap(shared.pubSub.deliver, () => respond(outcome, peer))
  }
}
