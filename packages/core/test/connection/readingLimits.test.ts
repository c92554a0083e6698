import { describe, expect } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Host from "@sluice/simulation/Host"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Effect from "effect/Effect"

const a = (count: number) => new Uint8Array(count).fill(97)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** What reading makes of bytes that are sent, whole or in pieces, and then ended. */
const readingOn = (host: Host.Host) =>
<A>(
  sent: ReadonlyArray<Uint8Array | string>,
  read: (connection: Connection.Connection) => Effect.Effect<A, NetworkError.NetworkError>
) =>
  Effect.scoped(Effect.gen(function*() {
    const listener = yield* Effect.provide(Network.listen("tcp://127.0.0.1:0"), Host.layer(host))
    const near = yield* Effect.provide(
      Network.connect(Endpoint.fromAddress(listener.address)),
      Host.layer(host)
    )
    const far = yield* Listener.accept(listener)
    const sending = Effect.gen(function*() {
      for (const each of sent) {
        yield* Connection.write(near, typeof each === "string" ? new TextEncoder().encode(each) : each)
        yield* Effect.sleep("1 second")
      }
      yield* Connection.end(near)
    })
    yield* Effect.forkScoped(sending)
    const outcome = yield* read(far).pipe(
      Effect.match({ onSuccess: (value) => value, onFailure: ({ reason }) => reason })
    )
    // What was not taken can still be read.
    const rest = yield* Connection.readAll(far)
    return { outcome, rest: text(rest) }
  }))

describe("the limit of readUntil", () => {
  VitestSimulation.it(
    "counts the delimiter, and is accepted as much and no more, however the bytes arrive",
    Effect.gen(function*() {
      const reading = readingOn(yield* SimNetwork.host("host"))
      const until = (limit: number) => (connection: Connection.Connection) =>
        Effect.map(Connection.readUntil(connection, "\r\n", { limit }), text)
      for (const sent of [["aaa\r\nrest"], ["aaa\r", "\nrest"], ["a", "aa", "\r\n", "rest"]]) {
        expect(yield* reading(sent, until(5))).toEqual({ outcome: "aaa\r\n", rest: "rest" })
        expect((yield* reading(sent, until(4))).outcome).toMatchObject({ _tag: "LimitExceeded", limit: 4 })
      }
      expect((yield* reading(["aaa\r"], until(5))).outcome).toMatchObject({ _tag: "UnexpectedEnd", received: 4 })
      // The limit is met before the end.
      expect((yield* reading(["aaaaa"], until(5))).outcome).toMatchObject({ _tag: "LimitExceeded" })
      expect((yield* reading(["\r\n"], until(0))).outcome).toMatchObject({ _tag: "LimitExceeded" })
      for (const limit of [-1, NaN]) {
        expect((yield* reading([], until(limit))).outcome).toMatchObject({ _tag: "InvalidOption", option: "limit" })
      }
      const nothing = yield* reading([], (connection) => Connection.readUntil(connection, ""))
      expect(nothing.outcome).toMatchObject({ _tag: "InvalidOption", option: "delimiter" })
    })
  )

  VitestSimulation.it(
    "is 64 KiB by default",
    Effect.gen(function*() {
      const reading = readingOn(yield* SimNetwork.host("host"))
      const until = (connection: Connection.Connection) =>
        Effect.map(Connection.readUntil(connection, "\n"), ({ length }) => length)
      expect((yield* reading([a(65_535), "\n"], until)).outcome).toBe(65_536)
      expect((yield* reading([a(65_536), "\n"], until)).outcome).toMatchObject({ limit: 65_536 })
    })
  )
})

describe("the limit of readAll", () => {
  VitestSimulation.it(
    "is accepted as much and no more",
    Effect.gen(function*() {
      const reading = readingOn(yield* SimNetwork.host("host"))
      const all = (limit?: number) => (connection: Connection.Connection) =>
        Effect.map(Connection.readAll(connection, limit === undefined ? {} : { limit }), ({ length }) => length)
      for (const sent of [[a(10)], [a(4), a(6)]]) {
        expect((yield* reading(sent, all(10))).outcome).toBe(10)
        expect((yield* reading(sent, all(9))).outcome).toMatchObject({ _tag: "LimitExceeded", limit: 9 })
      }
      expect((yield* reading([], all(0))).outcome).toBe(0)
      expect((yield* reading([], all(-1))).outcome).toMatchObject({ _tag: "InvalidOption", option: "limit" })
      expect((yield* reading([a(70_000)], all())).outcome).toBe(70_000)
    })
  )
})

describe("the count of readExactly", () => {
  VitestSimulation.it(
    "is what is read, and all that has arrived stays when there is less",
    Effect.gen(function*() {
      const reading = readingOn(yield* SimNetwork.host("host"))
      const exactly = (count: number) => (connection: Connection.Connection) =>
        Effect.map(Connection.readExactly(connection, count), text)
      expect(yield* reading(["abc"], exactly(3))).toEqual({ outcome: "abc", rest: "" })
      expect(yield* reading(["ab", "cd"], exactly(3))).toEqual({ outcome: "abc", rest: "d" })
      expect(yield* reading(["abc"], exactly(0))).toEqual({ outcome: "", rest: "abc" })
      const short = yield* reading(["abc"], exactly(4))
      expect(short.outcome).toMatchObject({ _tag: "UnexpectedEnd", received: 3, expected: 4 })
      expect(short.rest).toBe("abc")
      for (const count of [-1, 0.5, 2 ** 53]) {
        expect((yield* reading(["abc"], exactly(count))).outcome).toMatchObject({ option: "count" })
      }
    })
  )
})
