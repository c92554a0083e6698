/** A random sequence of operations on connections, and what each of them observes. */
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"

export type Side = "client" | "server"

/** One operation, by one side of one connection. */
export type Operation =
  | { readonly _tag: "write"; readonly bytes: number }
  /** Reads all that the other side has written and this one has not read. */
  | { readonly _tag: "read" }
  | { readonly _tag: "readToEnd" }
  | { readonly _tag: "interruptRead" }
  | { readonly _tag: "end" }
  | { readonly _tag: "abort" }
  | { readonly _tag: "close" }
  | { readonly _tag: "closeInterrupted" }

export interface Step {
  readonly connection: number
  readonly side: Side
  readonly operation: Operation
}

export interface Sequence {
  readonly seed: number
  readonly connections: number
  readonly steps: ReadonlyArray<Step>
}

const sides = ["client", "server"] as const

const weights = [
  ["write", 30],
  ["read", 25],
  ["readToEnd", 8],
  ["interruptRead", 10],
  ["end", 10],
  ["abort", 5],
  ["close", 7],
  ["closeInterrupted", 5]
] as const

const sizes = [0, 1, 10, 1000, 1461, 20_000, 65_536, 100_000]

/** Makes the sequence of a seed. */
export const make = (seed: number): Effect.Effect<Sequence> =>
  Effect.map(Random.Random, (random) => {
    const below = (limit: number) => Math.floor(random.nextDoubleUnsafe() * limit)
    const pick = <A>(values: ReadonlyArray<A>): A => values[below(values.length)]!
    const connections = 1 + below(3)
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0)
    const operation = (): Operation => {
      let draw = below(total)
      const [_tag] = weights.find(([, weight]) => (draw -= weight) < 0)!
      return _tag === "write" ? { _tag, bytes: pick(sizes) } : { _tag }
    }
    const steps = Array.from({ length: 3 + below(14) }, (): Step => ({
      connection: below(connections),
      side: pick(sides),
      operation: operation()
    }))
    return { seed, connections, steps }
  }).pipe(Random.withSeed(seed))

/** What one operation observed, as text. */
export interface Observation {
  readonly step: string
  readonly outcome: string
}

interface End {
  readonly connection: Connection.Connection
  readonly scope: Scope.Closeable
  written: number
  read: number
  closed: boolean
}

/** Runs a sequence, one step after the other; between them what is in flight has time to arrive. */
export const run = Effect.fnUntraced(function*(sequence: Sequence): Effect.fn.Return<
  ReadonlyArray<Observation>,
  NetworkError.NetworkError,
  Network.Network
> {
  return yield* Effect.scoped(Effect.gen(function*() {
    const listener = yield* Network.listen("tcp://127.0.0.1:0", { closeTimeout: "500 millis" })
    const settle = yield* makeSettle(listener)
    const pairs = yield* Effect.forEach(Array.from({ length: sequence.connections }), () =>
      Effect.gen(function*() {
        const client = yield* open(
          Network.connect(Endpoint.fromAddress(listener.address), { closeTimeout: "500 millis" })
        )
        const server = yield* open(Listener.accept(listener))
        return { client, server }
      }))
    const observations: Array<Observation> = []
    for (const { connection, operation, side } of sequence.steps) {
      const pair = pairs[connection]!
      const outcome = yield* perform(operation, pair[side], pair[side === "client" ? "server" : "client"], settle)
      const size = operation._tag === "write" ? ` ${operation.bytes}` : ""
      observations.push({ step: `${connection} ${side} ${operation._tag}${size}`, outcome })
      yield* settle
    }
    return observations
  }))
})

const open = Effect.fnUntraced(function*<E, R>(opening: Effect.Effect<Connection.Connection, E, R | Scope.Scope>) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.interrupt()))
  const connection = yield* Scope.provide(opening, scope)
  return { connection, scope, written: 0, read: 0, closed: false } as End
})

// Another connection goes back and forth: what was sent before it has arrived then.
const makeSettle = Effect.fnUntraced(function*(listener: Listener.Listener) {
  const client = yield* Network.connect(Endpoint.fromAddress(listener.address))
  const server = yield* Listener.accept(listener)
  const byte = new Uint8Array([1])
  return Effect.gen(function*() {
    for (let round = 0; round < 6; round++) {
      yield* Connection.write(client, byte)
      yield* Connection.readExactly(server, 1)
      yield* Connection.write(server, byte)
      yield* Connection.readExactly(client, 1)
    }
  })
})

const perform = <E>(
  operation: Operation,
  near: End,
  far: End,
  settle: Effect.Effect<void, E>
): Effect.Effect<string> => {
  const { connection } = near
  switch (operation._tag) {
    case "write":
      // How much more fits into the buffers, if nobody reads, is the system's own affair.
      if (near.written - far.read + operation.bytes > unread) return Effect.succeed("no room")
      return observe(
        Connection.write(connection, pattern(near.written, operation.bytes)),
        () => {
          near.written += operation.bytes
          return "ok"
        }
      )
    case "read": {
      const wanted = far.written - near.read
      if (wanted === 0) return Effect.succeed("nothing to read")
      return observe(Connection.readExactly(connection, wanted), (bytes) => {
        const intact = matches(bytes, near.read)
        near.read += bytes.length
        return `${bytes.length} bytes, ${intact ? "intact" : "wrong"}`
      })
    }
    case "readToEnd":
      return observe(
        // What has arrived is read before another connection has gone back and forth, however late this process runs.
        Effect.raceFirst(
          Effect.asSome(Connection.readAll(connection)),
          Effect.as(Effect.andThen(Effect.sleep("20 millis"), settle), Option.none<Uint8Array>())
        ),
        Option.match({
          onNone: () => "no end",
          onSome: (bytes) => {
            const intact = matches(bytes, near.read)
            near.read += bytes.length
            return `end after ${bytes.length} bytes, ${intact ? "intact" : "wrong"}`
          }
        })
      )
    case "interruptRead":
      if (far.written > near.read) return Effect.succeed("something to read")
      return Effect.flatMap(
        Effect.forkChild(Connection.read(connection), { startImmediately: true }),
        (fiber) =>
          Effect.andThen(
            Effect.yieldNow,
            observe(
              Effect.andThen(Fiber.interrupt(fiber), Fiber.await(fiber)),
              (exit) =>
                Exit.isSuccess(exit)
                  ? "end"
                  : Cause.hasInterruptsOnly(exit.cause)
                  ? "interrupted"
                  : kind(exit.cause)
            )
          )
      )
    case "end":
      return observe(Connection.end(connection), () => "ok")
    case "abort":
      return observe(Connection.abort(connection), () => "ok")
    case "close":
    case "closeInterrupted":
      near.closed = true
      return observe(
        Effect.andThen(
          Scope.close(near.scope, operation._tag === "close" ? Exit.void : Exit.interrupt()),
          Connection.closed(connection)
        ),
        ({ _tag }) => _tag
      )
  }
}

const unread = 100_000

const observe = <A, E>(effect: Effect.Effect<A, E>, describe: (value: A) => string): Effect.Effect<string> =>
  Effect.map(
    Effect.exit(Effect.timeoutOption(effect, "30 seconds")),
    (exit) => Exit.isFailure(exit) ? kind(exit.cause) : Option.isNone(exit.value) ? "waits" : describe(exit.value.value)
  )

const kind = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return NetworkError.isNetworkError(error) ? error.reason._tag : Cause.pretty(cause)
}

const pattern = (from: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => byteAt(from + index))

const matches = (bytes: Uint8Array, from: number): boolean =>
  bytes.every((byte, index) => byte === byteAt(from + index))

const byteAt = (index: number): number => Math.imul(index + 1, 0x9e3779b1) >>> 24
