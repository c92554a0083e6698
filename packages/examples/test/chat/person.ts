/** A user in a simulated chat, with a plain line client. */
import * as Framed from "@sluice/core/Framed"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as Line from "../../src/chat/protocol/Line.ts"
import * as Wire from "../../src/chat/protocol/Wire.ts"
import * as ChatServer from "../../src/chat/server/ChatServer.ts"
import * as History from "../../src/chat/server/history/History.ts"
import type { Settings } from "../../src/chat/server/Settings.ts"

export const address = "tcp://10.0.0.1:7000"

/** A chat that keeps nothing. */
export const chat = (settings?: Partial<Settings>) =>
  Layer.provide(ChatServer.layer({ listen: "tcp://0.0.0.0:7000" }, settings), History.layerMemory)

/** No limit to how fast one may send. */
export const unlimited = { burst: 1, refill: 0 }

/** A line, and when it came. */
export interface Heard {
  readonly at: number
  readonly line: Line.Line
}

/** Connects from a host. */
export const connect = Effect.fnUntraced(function*(host: Host.Host, to = address) {
  const connection = yield* Host.network(host).connect(to)
  const framed = yield* Framed.make(connection, Wire.client)
  const heard: Array<Heard> = []
  const queue = yield* Queue.unbounded<Heard>()
  const over = yield* Deferred.make<Exit.Exit<void, unknown>>()
  const hear = (line: Line.Line) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => {
      heard.push({ at, line })
      return Queue.offer(queue, { at, line })
    })
  yield* Stream.runForEach(Framed.messages(framed), hear).pipe(
    Effect.exit,
    Effect.flatMap((exit) => Deferred.succeed(over, exit)),
    Effect.forkScoped
  )
  const until = (isIt: (line: Line.Line) => boolean): Effect.Effect<Heard> =>
    Effect.flatMap(Queue.take(queue), (next) => isIt(next.line) ? Effect.succeed(next) : until(isIt))
  return {
    connection,
    /** All that has come so far. */
    heard,
    say: (...lines: ReadonlyArray<string>) => Framed.sendAll(framed, lines),
    /** Waits for a line, past others. */
    until,
    /** Waits for this line, past others. */
    untilSays: (text: string) => until((line) => Line.format(line) === text),
    /** Waits until everything that was sent is answered, and gives all that has come. */
    settled: Effect.gen(function*() {
      yield* Framed.send(framed, "/ping settled")
      yield* until((line) => line._tag === "Pong")
      return heard.map(({ line }) => Line.format(line))
    }),
    /** How its input ended. */
    over: Deferred.await(over)
  }
})

/** Connects, says who and where, and forgets the greeting. */
export const enter = Effect.fnUntraced(function*(host: Host.Host, name: string, room: string, to = address) {
  const person = yield* connect(host, to)
  yield* person.say(`/nick ${name}`, `/join ${room}`)
  yield* person.until((line) => line._tag === "Present")
  person.heard.length = 0
  return person
})

/** A server, and hosts that are near to it: a millisecond away, always. */
export const hosts = Effect.fnUntraced(function*(...names: ReadonlyArray<string>) {
  const server = yield* SimNetwork.host("server", { addresses: ["10.0.0.1"] })
  const others = yield* Effect.forEach(names, (name) => SimNetwork.host(name))
  for (const host of others) yield* SimNetwork.link(server, host, { latency: "1 millis", segmentation: 0 })
  return { server, others: others as [Host.Host, ...Array<Host.Host>] }
})
