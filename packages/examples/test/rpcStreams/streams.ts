/** Effect RPC with streams in a simulation: a server that restarts, clients on a bad network, and what must hold of them. */
import * as Property from "@sluice/core/Property"
import * as SocketBridge from "@sluice/core/SocketBridge"
import * as SocketServerBridge from "@sluice/core/SocketServerBridge"
import * as Campaign from "@sluice/simulation/Campaign"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as SimRpc from "@sluice/simulation/SimRpc"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

class Numbers extends RpcGroup.make(
  Rpc.make("Double", { payload: { number: Schema.Number }, success: Schema.Number }),
  Rpc.make("Count", { payload: { to: Schema.Number }, success: Schema.Number, stream: true })
) {}

/** Bugs that the server may have. */
export type Bug = "sharesState" | "ignoresInterrupts"

/** The streams that the process of the server sends. */
interface Serving {
  streams: number
}

const handlers = (serving: Serving, bug: Bug | undefined) =>
  Numbers.toLayer(Effect.sync(() => {
    let last = 0
    // What a dead process sent is gone.
    serving.streams = 0
    const change = (by: number) => Effect.sync(() => void (serving.streams += by))
    const count = (to: number) =>
      Stream.range(1, to).pipe(Stream.rechunk(7), Stream.tap(() => Effect.sleep("3 millis")))
    return Numbers.of({
      Double: ({ number }) => {
        last = number
        return Effect.map(Effect.sleep("5 millis"), () => 2 * (bug === "sharesState" ? last : number))
      },
      Count: ({ to }) => {
        const stream = Stream.unwrap(Effect.as(
          Effect.acquireRelease(change(1), (_, exit) =>
            Effect.andThen(
              change(-1),
              Property.sometimes("the server stops a stream that is interrupted", Exit.hasInterrupts(exit))
            )),
          count(to)
        ))
        return bug === "ignoresInterrupts" ? Rpc.uninterruptible(stream) : stream
      }
    })
  }))

const server = (serving: Serving, bug: Bug | undefined) =>
  RpcServer.layer(Numbers).pipe(
    Layer.provide(handlers(serving, bug)),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide(SocketServerBridge.layer({ listen: "tcp://0.0.0.0:7000" })),
    Layer.provide(RpcSerialization.layerNdjson)
  )

const protocol = Layer.effect(
  RpcClient.Protocol,
  Effect.map(RpcClient.Protocol, SimRpc.countFromZero)
).pipe(
  Layer.provide(RpcClient.layerProtocolSocket()),
  Layer.provide(SocketBridge.layer("tcp://server:7000", { connectTimeout: "1 second" })),
  Layer.provide(RpcSerialization.layerNdjson)
)

const seconds = 5

/** How many calls of a client have ended. */
interface Calls {
  ended: number
}

const client = (calls: Calls) =>
  Effect.gen(function*() {
    const rpc = yield* RpcClient.make(Numbers)
    const tracked = <A, E>(call: Effect.Effect<A, E>) => Effect.ensuring(call, Effect.sync(() => void calls.ended++))
    while (true) {
      const number = Math.floor((yield* Random.next) * 60)
      if (yield* Random.nextBoolean) {
        const answer = yield* Effect.option(tracked(rpc.Double({ number })))
        if (answer._tag === "Some") {
          yield* Property.always("an answer is of its request", answer.value === 2 * number, { number, answer })
        }
      } else {
        let last = 0
        const each = (item: number) => {
          const isNext = item === last + 1
          const before = last
          last = item
          return Property.always("a stream has no gap and no repetition", isNext, { before, item })
        }
        // Every other stream is interrupted: it would outlast the run.
        const isInterrupted = yield* Random.nextBoolean
        const numbers = isInterrupted
          ? Stream.take(rpc.Count({ to: 100_000 }), number + 1)
          : rpc.Count({ to: number + 1 })
        const exit = yield* Effect.exit(tracked(Stream.runForEach(numbers, each)))
        if (exit._tag === "Success") {
          yield* Property.always("a stream that ends is whole", last === number + 1, { last, number })
          yield* Property.sometimes("a stream ends", !isInterrupted)
        }
      }
      yield* Effect.sleep("20 millis")
    }
  }).pipe(Effect.scoped, Effect.provide(protocol))

/**
 * The program, and how it is explored: once all faults are healed, calls of each client end, and the server sends no stream
 * that its client has left. The server may have a bug.
 */
export const explored = (bug?: Bug) => {
  const all = new Map<string, Calls>()
  const serving: Serving = { streams: 0 }
  const program = Effect.gen(function*() {
    all.clear()
    const host = yield* SimNetwork.host("server")
    yield* Host.serve(host, server(serving, bug))
    const clients = yield* Simulation.parameter("clients", { least: 1, most: 3 })
    for (const name of ["a", "b", "c"].slice(0, clients)) {
      const calls = { ended: 0 }
      all.set(name, calls)
      yield* Host.start(yield* SimNetwork.host(name), client(calls))
    }
    yield* Effect.sleep(seconds * 1000)
  })
  const eventually = Effect.gen(function*() {
    const before = new Map(Array.from(all, ([name, { ended }]) => [name, ended]))
    yield* Effect.sleep("2 seconds")
    for (const [name, { ended }] of all) {
      if (ended === before.get(name)) return yield* Effect.fail(new Error(`${name} waits for a call that does not end`))
    }
    // Each client has one call at a time.
    if (serving.streams > all.size) {
      return yield* Effect.fail(new Error("the server sends streams that nobody receives"))
    }
  })
  return { program, options: { campaign: Campaign.make(), for: seconds * 1000, eventually, calm: "1 minute" } as const }
}
