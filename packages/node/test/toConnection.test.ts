import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { Duplex, duplexPair, PassThrough } from "node:stream"
import * as NodeDuplex from "../src/NodeDuplex.ts"

const reasonOf = <A, E extends { readonly reason: { readonly _tag: string } }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason._tag)

describe("a Duplex as a connection", () => {
  it.live("carries messages between the ends of a pair, and ends as they do", () =>
    Effect.gen(function*() {
      const [left, right] = duplexPair()
      const client = yield* NodeDuplex.toConnection(left)
      const server = yield* NodeDuplex.toConnection(right)
      const serving = yield* Effect.forkChild(
        Framed.serve(Framing.lines(), (line: string) => Effect.succeed(line.toUpperCase()))(server)
      )
      const lines = yield* Framed.make(client, Framing.lines())
      expect(yield* Framed.request(lines, "hello")).toBe("HELLO")
      yield* Framed.end(lines)
      yield* Fiber.join(serving)
      yield* Connection.end(server)
      expect(yield* Framed.receive(lines)).toEqual(Option.none())
      expect(Connection.formatPeer(client)).toBe("unix://")
    }).pipe(Effect.scoped))

  it.live("holds the writer back while nobody reads, and keeps what was written from changing", () =>
    Effect.gen(function*() {
      const connection = yield* NodeDuplex.toConnection(new PassThrough())
      const chunk = new Uint8Array(1024 * 1024).fill(1)
      const writing = yield* Effect.forkChild(Connection.write(connection, chunk), { startImmediately: true })
      const small = new Uint8Array([2])
      yield* Effect.yieldNow
      expect(writing.pollUnsafe()).toBeUndefined()
      const read = yield* Connection.readExactly(connection, chunk.length)
      yield* Fiber.join(writing)
      expect(Buffer.compare(read, chunk)).toBe(0)
      yield* Connection.write(connection, small)
      small.fill(3)
      expect(yield* Connection.readExactly(connection, 1)).toEqual(Buffer.from([2]))
    }).pipe(Effect.scoped))

  it.live("is reset when the Duplex is destroyed, and destroys it with an error when it is reset", () =>
    Effect.gen(function*() {
      const [left, right] = duplexPair()
      const connection = yield* NodeDuplex.toConnection(left)
      left.destroy()
      expect(yield* reasonOf(Connection.read(connection))).toBe("ConnectionReset")

      const other = new PassThrough()
      const gone = new Promise((resolve) => other.on("error", resolve))
      yield* Connection.abort(yield* NodeDuplex.toConnection(other))
      expect(yield* Effect.promise(() => gone)).toMatchObject({ code: "ECONNRESET" })
      right.destroy()
    }).pipe(Effect.scoped))

  it.live("closes in bounded time, though the Duplex never finishes and never closes", () =>
    Effect.gen(function*() {
      const deaf = new Duplex({
        read() {},
        write(_, __, callback) {
          callback()
        },
        final() {},
        destroy() {}
      })
      const scope = yield* Scope.make()
      yield* Scope.provide(NodeDuplex.toConnection(deaf, { closeTimeout: "50 millis" }), scope)
      yield* Effect.timeout(Scope.close(scope, Exit.void), "30 seconds")
      expect(deaf.destroyed).toBe(true)
    }))

  it.live("rejects a Duplex of objects, and one that is gone has an error", () =>
    Effect.gen(function*() {
      const objects = NodeDuplex.toConnection(new PassThrough({ objectMode: true }))
      expect(yield* reasonOf(objects)).toBe("InvalidOption")
      const gone = new PassThrough().destroy()
      yield* Effect.promise(() => new Promise(setImmediate))
      const connection = yield* NodeDuplex.toConnection(gone)
      expect(yield* reasonOf(Connection.read(connection))).toBe("ConnectionReset")
    }).pipe(Effect.scoped))

  it.live("speaks with a program", () =>
    Effect.gen(function*() {
      const child = spawn("cat", { stdio: ["pipe", "pipe", "inherit"] })
      const duplex = Duplex.from({ readable: child.stdout, writable: child.stdin } as never)
      const connection = yield* NodeDuplex.toConnection(duplex)
      yield* Connection.writeText(connection, "hello")
      yield* Connection.end(connection)
      expect(new TextDecoder().decode(yield* Connection.readAll(connection))).toBe("hello")
    }).pipe(Effect.scoped))
})
