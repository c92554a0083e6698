/** What a client observes when the process of its server is killed or stopped, and when ports run out. */
import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"

/** The server's side, as a test commands it. */
export interface Machine {
  /** The name or address of the server. */
  readonly host: string
  readonly kill: Effect.Effect<void>
  /** Starts the server that was killed, and waits until it listens. */
  readonly start: Effect.Effect<void>
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

export type Scenario = (
  machine: Machine
) => Effect.Effect<ReadonlyArray<string>, NetworkError.NetworkError, Network.Network | Scope.Scope>

const backlog = 4
const clients = 20
// The client's alone: none may end an attempt that succeeds, however late the machine is.
const patience = 100_000
const first = 7000
const second = 7001

/** The ports that a client's system assigns. */
export const ephemeralPorts = [40_000, 40_127] as const

/** What the server does on a connection. */
type Role = "read" | "stop reading" | "answer" | "end"

/** Serves each connection by the role that its first byte names. */
export const server = (
  onListening: Effect.Effect<void>
): Layer.Layer<never, NetworkError.NetworkError, Network.Network> => {
  const handler = Effect.fnUntraced(function*(connection: Connection.Connection) {
    const [role] = yield* Connection.readExactly(connection, 1)
    yield* Connection.writeText(connection, "+")
    if (role === code("stop reading")) return yield* Effect.never
    if (role === code("answer")) yield* Connection.writeText(connection, "x".repeat(1000))
    if (role === code("end")) yield* Connection.end(connection)
    yield* Connection.readAll(connection)
  })
  const at = (port: number, options: Partial<Server.Options>) =>
    Server.layer({ ...options, listen: `tcp://0.0.0.0:${port}`, backlog }, handler)
  return Layer.provideMerge(at(first, { onListening: () => onListening }), at(second, {}))
}

const code = (role: Role): number => role.charCodeAt(0)

// ---------------------------------------------------------------------------------------------------------------------
// Observations
// ---------------------------------------------------------------------------------------------------------------------

const outcome = <A, R>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, R>) =>
  Effect.match(effect, { onSuccess: (value) => String(value), onFailure: ({ reason }) => reason._tag })

const readAll = (connection: Connection.Connection) =>
  outcome(Effect.map(
    Connection.readAll(connection),
    ({ length }) => `${length} bytes and the end`
  ))

/** Writes until that fails. */
const writeUntilFailure = (connection: Connection.Connection): Effect.Effect<string> =>
  outcome(Effect.forever(Effect.andThen(Connection.writeText(connection, "more"), Effect.sleep("5 millis"))))

interface Attempt {
  readonly port?: number
  readonly localPort?: number
  readonly scope?: Scope.Scope
}

const connectTo = Effect.fnUntraced(function*(
  machine: Machine,
  role: Role,
  options: Attempt & { readonly timeout?: number } = {}
) {
  const { localPort, port = first, timeout = patience } = options
  const scope = options.scope ?? (yield* Effect.scope)
  const connection = yield* Scope.provide(
    Network.connect(`tcp://${machine.host}:${port}`, { connectTimeout: timeout, localPort }),
    scope
  )
  yield* Connection.writeText(connection, String.fromCharCode(code(role)))
  return connection
})

/** A connection whose server is at work on it. */
const served = Effect.fnUntraced(function*(machine: Machine, role: Role, options: Attempt = {}) {
  const connection = yield* connectTo(machine, role, options)
  yield* Connection.readExactly(connection, 1)
  return connection
})

// ---------------------------------------------------------------------------------------------------------------------
// Scenarios
// ---------------------------------------------------------------------------------------------------------------------

const portOf = (connection: Connection.Connection): number =>
  NetAddress.isUnixPathAddress(connection.localAddress) ? 0 : connection.localAddress.port

const kill: Scenario = Effect.fnUntraced(function*(machine) {
  const reading = yield* served(machine, "read")
  const unread = yield* served(machine, "stop reading")
  const writing = yield* Effect.forkScoped(outcome(Connection.write(unread, new Uint8Array(16 * 1024 * 1024))))
  const answered = yield* served(machine, "answer")
  const ended = yield* served(machine, "end")
  yield* Connection.readAll(ended)
  const halfClosed = yield* served(machine, "stop reading")
  yield* Connection.end(halfClosed)
  // A round trip behind all of the above.
  yield* served(machine, "read")
  yield* machine.kill
  return [
    `one that was read: ${yield* readAll(reading)}, then ${yield* writeUntilFailure(reading)}`,
    `one with unread input: ${yield* readAll(unread)}, and the write in progress ${yield* Fiber.join(writing)}`,
    `one with an answer: ${yield* readAll(answered)}`,
    `one whose server had ended: ${yield* writeUntilFailure(ended)}`,
    `one whose client had ended: ${yield* readAll(halfClosed)}`,
    `a new one: ${yield* outcome(connectTo(machine, "read"))}`,
    yield* Effect.andThen(machine.start, Effect.as(served(machine, "read"), "after a restart: served"))
  ]
})

const pausedBacklog: Scenario = Effect.fnUntraced(function*(machine) {
  yield* machine.pause
  const attempt = (timeout?: number) =>
    outcome(Effect.as(connectTo(machine, "answer", timeout === undefined ? {} : { timeout }), "open"))
  // One after the other, until the queue is full: what happens to several at once depends on the latency.
  const accepted = yield* Effect.forEach(Array.from({ length: backlog + 1 }), () => attempt())
  const more = yield* Effect.forEach(Array.from({ length: clients }), () => attempt(300), { concurrency: "unbounded" })
  yield* machine.resume
  yield* served(machine, "read")
  return [`up to the backlog: ${accepted.join()}`, `beyond it: ${[...new Set(more)].join()}`]
})

const resumedBacklog: Scenario = Effect.fnUntraced(function*(machine) {
  yield* machine.pause
  const open = yield* Queue.unbounded<string>()
  const attempt = Effect.gen(function*() {
    const connection = yield* connectTo(machine, "answer")
    yield* Queue.offer(open, "open")
    return (yield* Connection.readExactly(connection, 1001)).length
  })
  const waiting = yield* Effect.forEach(Array.from({ length: clients }), () => Effect.forkScoped(outcome(attempt)))
  yield* Effect.forEach(Array.from({ length: backlog + 1 }), () => Queue.take(open))
  yield* machine.resume
  const answers = yield* Effect.forEach(waiting, Fiber.join)
  return [`a server that was paused: ${answers.filter((each) => each === "1001").length} answers`]
})

const burst: Scenario = Effect.fnUntraced(function*(machine) {
  const answers = yield* Effect.forEach(
    Array.from({ length: 2 * clients }),
    () => outcome(Effect.as(served(machine, "read"), "served")),
    { concurrency: "unbounded" }
  )
  return [`a burst: ${[...new Set(answers)].join()}`]
})

const killedBacklog: Scenario = Effect.fnUntraced(function*(machine) {
  yield* machine.pause
  const connection = yield* connectTo(machine, "answer")
  const silent = yield* Network.connect(`tcp://${machine.host}:${first}`)
  yield* machine.kill
  yield* machine.resume
  const observed = [
    `one with input that was never accepted: ${yield* readAll(connection)}`,
    `one without: ${yield* readAll(silent)}`
  ]
  yield* machine.start
  return observed
})

const listenOn = (port: number) =>
  outcome(Effect.scoped(Effect.as(Network.listen(`tcp://0.0.0.0:${port}`), "listening")))

const ports: Scenario = Effect.fnUntraced(function*(machine) {
  const observed: Array<string> = []
  const connection = yield* served(machine, "read")
  observed.push(`a listener on the port of a connection: ${yield* listenOn(portOf(connection))}`)
  const from = (localPort: number, options: Attempt = {}) =>
    outcome(Effect.as(served(machine, "read", { ...options, localPort }), "served"))
  const scope = yield* Scope.fork(yield* Effect.scope)
  yield* from(7100, { scope })
  observed.push(`a listener on the port that a client has bound: ${yield* listenOn(7100)}`)
  observed.push(`a second connection from that port: ${yield* from(7100)}`)
  observed.push(`one from there to another server: ${yield* from(7100, { port: second })}`)
  yield* Scope.close(scope, Exit.void)
  observed.push(`one from there when the first is in TIME_WAIT: ${yield* from(7100)}`)
  observed.push(`one from a port that the system chose for another: ${yield* from(portOf(connection))}`)
  yield* Network.listen("tcp://0.0.0.0:7200")
  observed.push(`one from the port of a listener: ${yield* from(7200)}`)
  const fill = Effect.fnUntraced(function*(port: number) {
    const scopes: Array<Scope.Closeable> = []
    while (true) {
      const scope = yield* Scope.fork(yield* Effect.scope)
      // Served before the next: none is still half-open at the server, or has an answer unread, when it is closed.
      const result = yield* outcome(Effect.as(served(machine, "read", { port, scope }), "open"))
      if (result !== "open") {
        observed.push(`${scopes.length} connections to port ${port}, then ${result}`)
        return scopes
      }
      scopes.push(scope)
    }
  })
  const scopes = yield* fill(first)
  yield* fill(second)
  observed.push(`a listener on any port: ${yield* listenOn(0)}`)
  const bind = (sockets: number): Effect.Effect<string, never, Network.Network | Scope.Scope> =>
    Effect.matchEffect(Network.bind("udp://0.0.0.0:0"), {
      onSuccess: () => bind(sockets + 1),
      onFailure: ({ reason }) => Effect.succeed(`${sockets} datagram sockets, then ${reason._tag}`)
    })
  observed.push(yield* Effect.scoped(bind(0)))
  yield* Scope.close(scopes[0]!, Exit.die("reset"))
  observed.push(`after a reset: ${yield* outcome(Effect.as(served(machine, "read"), "served"))}`)
  yield* Scope.close(scopes[1]!, Exit.void)
  observed.push(`after the client closed one: ${yield* outcome(Effect.as(served(machine, "read"), "served"))}`)
  return observed
})

// The ports come first: the others leave some in TIME_WAIT, which lasts a minute.
const scenarios = { ports, kill, pausedBacklog, resumedBacklog, burst, killedBacklog } satisfies Record<
  string,
  Scenario
>

/** Runs all scenarios, one after the other. A scenario resets the connections that it leaves open. */
export const observe = Effect.fnUntraced(function*(machine: Machine) {
  const all: Record<string, ReadonlyArray<string>> = {}
  for (const [name, scenario] of Object.entries<Scenario>(scenarios)) {
    const scope = Scope.makeUnsafe()
    all[name] = yield* Effect.ensuring(Scope.provide(scenario(machine), scope), Scope.close(scope, Exit.die("reset")))
  }
  return all
})
