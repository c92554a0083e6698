/** A client of the chat, without a terminal: it comes back by itself, as the same person in the same room. */
import * as Reconnecting from "@sluice/client/Reconnecting"
import type * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Heartbeat from "@sluice/core/Heartbeat"
import * as Network from "@sluice/core/Network"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as Line from "../protocol/Line.ts"
import { TokenBucket } from "../protocol/TokenBucket.ts"
import * as Wire from "../protocol/Wire.ts"
import * as Whereabouts from "./Whereabouts.ts"

export interface Options {
  readonly server: Endpoint.Input
  /** How to connect to it. */
  readonly connect?: SocketOptions.ConnectOptions | undefined
  readonly nick?: string | undefined
  readonly room?: string | undefined
  /** When to try again. Default: forever, as `Reconnecting` has it. */
  readonly schedule?: Schedule.Schedule<unknown, unknown> | undefined
  /** A ping is sent when nothing was heard for so long. Default: 15 seconds. */
  readonly heartbeat?: Duration.Input | undefined
}

// Another user who has the name may leave.
const pause: Duration.Input = "15 seconds"

const unlimited = { burst: 1, refill: 0 }

// As many lines as a server shows to who enters.
const mostHeard = 500

const heartbeatToken = "heartbeat"

/** Connects, and stays connected until the Scope is closed. */
export const make = Effect.fnUntraced(function*({ connect, heartbeat, nick, room, schedule, server }: Options) {
  let whereabouts = Whereabouts.unknown(nick, room)
  const token = randomUUID()
  // The server says what it allows. Half of the burst is kept back, for lines that the network delays and then brings at once.
  let bucket = new TokenBucket(unlimited)
  const greeted = yield* Deferred.make<void>()
  let reclaiming = false
  // What was said while one was there is not told again to who comes back.
  let heard: Array<string> = []
  let connections = 0
  let returning = false

  const client = yield* Reconnecting.make({
    connect: Network.connect(server, { connectTimeout: "10 seconds", ...connect }).pipe(
      Effect.flatMap(Framed.make(Wire.client)),
      Effect.flatMap(Heartbeat.make({
        interval: heartbeat,
        ping: () => `/ping ${heartbeatToken}`,
        isPong: (line: Line.Line) => line._tag === "Pong" && line.token === heartbeatToken,
        pong: (line: Line.Line) => line._tag === "Ping" ? "/pong" : undefined
      }))
    ),
    onConnect: (framed) => {
      bucket = new TokenBucket(unlimited)
      returning = ++connections > 1
      whereabouts = { ...whereabouts, name: undefined, asked: whereabouts.wanted, present: [] }
      return Framed.sendAll(framed, Whereabouts.greeting(whereabouts, token))
    },
    whileAway: { queue: 100 },
    schedule
  })

  /** Notes what a line tells; whether it is worth showing. */
  const note = (line: Line.Line): boolean => {
    whereabouts = Whereabouts.received(whereabouts, line)
    if (line._tag === "Limits") {
      bucket = new TokenBucket({ burst: Math.max(1, Math.floor(line.burst / 2)), refill: line.refill })
    }
    const isTold = reclaiming && line._tag === "Refusal" && line.taken !== undefined
    if (line._tag === "Called" || isTold) reclaiming = false
    // What everybody is called before they have said who they are is of no interest.
    if (line._tag === "Called") Deferred.doneUnsafe(greeted, Effect.void)
    const isBeforeName = line._tag === "Called" && whereabouts.asked !== undefined
    if (Line.isSpoken(line)) heard = [...heard, Line.format(line)].slice(-mostHeard)
    if (line._tag === "Present") returning = false
    const isHeard = returning && line._tag === "Past" && heard.includes(Line.format(line.spoken))
    return !isTold && !isHeard && !isBeforeName && line._tag !== "Limits"
  }

  const reclaim = Effect.gen(function*() {
    yield* Effect.sleep(pause)
    if (!Whereabouts.isMisnamed(whereabouts)) return
    reclaiming = true
    yield* send(`/nick ${whereabouts.wanted}`)
  })

  const send = (line: string) =>
    Effect.flatMap(paced, () => {
      whereabouts = Whereabouts.sent(whereabouts, line)
      return Reconnecting.send(client, line)
    })

  const paced: Effect.Effect<void> = Clock.clockWith((clock) => {
    const wait = bucket.take(Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
    return wait === 0 ? Effect.void : Effect.andThen(Effect.sleep(wait), paced)
  })

  yield* Effect.forkScoped(Effect.forever(Effect.ignore(reclaim)))

  return {
    /** Connecting, connected, waiting, closed. */
    state: client.state,
    /** Waits for the end of the first greeting. It tells what the server allows. */
    greeted: Deferred.await(greeted),
    /** What it knows of itself now. */
    whereabouts: Effect.sync(() => whereabouts),
    /** What the server says, over all connections. */
    lines: Stream.filter(Reconnecting.messages(client), note),
    /** Sends a line, not faster than the server allows. */
    send,
    /** Ends the connection in order, for good. */
    close: Reconnecting.close(client)
  }
})

/** A client of the chat. */
export type ChatClient = Effect.Success<ReturnType<typeof make>>
