import { describe, expect, layer } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as NodeNetwork from "../src/NodeNetwork.ts"

const listen = "tcp://127.0.0.1:0"
const text = new TextEncoder()

/** Two ends of one connection. */
const pair = Effect.gen(function*() {
  const listener = yield* Network.listen(listen)
  const accepting = yield* Effect.forkScoped(Listener.accept(listener))
  const near = yield* Network.connect(Endpoint.fromAddress(listener.address))
  return { near, far: yield* Fiber.join(accepting) }
})

layer(NodeNetwork.layer, { excludeTestServices: true })("Framed", (it) => {
  describe("receiving", () => {
    it.effect("gives message after message, however they were sent, and then the end, again and again", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const framed = yield* Framed.make(far, Framing.lines())
        yield* Connection.writeText(near, "one\ntwo\nth")
        expect(yield* Framed.receive(framed)).toEqual(Option.some("one"))
        expect(yield* Framed.receive(framed)).toEqual(Option.some("two"))
        yield* Connection.writeText(near, "ree\n")
        expect(yield* Framed.receive(framed)).toEqual(Option.some("three"))
        yield* Connection.end(near)
        expect(yield* Framed.receive(framed)).toEqual(Option.none())
        expect(yield* Framed.receive(framed)).toEqual(Option.none())
      }))

    it.effect("delivers every message before a bad one, then the error, again and again", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const framed = yield* Framed.make(far, Framing.lines({ maxLineLength: 8 }))
        yield* Connection.writeText(near, "good\nalso good\ngood\n")
        expect(yield* Framed.receive(framed)).toEqual(Option.some("good"))
        for (let again = 0; again < 2; again++) {
          expect((yield* Effect.flip(Framed.receive(framed))).reason).toMatchObject({ _tag: "FrameTooLong", offset: 5 })
        }
        expect((yield* Effect.flip(Stream.runCollect(Framed.messages(framed))))._tag).toBe("FramingError")
      }))

    it.effect("says that the last message is incomplete", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const framed = yield* Framed.make(far, Framing.lengthPrefixed({ prefix: "uint32" }))
        yield* Connection.write(near, Uint8Array.of(0, 0, 0, 1, 7, 0, 0, 0, 9, 1, 2))
        yield* Connection.end(near)
        const seen: Array<Uint8Array> = []
        const error = yield* Effect.flip(
          Stream.runForEach(Framed.messages(framed), (each) => Effect.sync(() => seen.push(each)))
        )
        expect(seen.map((each) => Array.from(each))).toEqual([[7]])
        expect(error.reason).toMatchObject({ _tag: "TruncatedFrame", have: 6, need: 13, offset: 5 })
      }))

    it.effect("loses nothing when interrupted in the middle of a message", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const framed = yield* Framed.make(far, Framing.lines())
        yield* Connection.writeText(near, "first\nsec")
        expect(yield* Framed.receive(framed)).toEqual(Option.some("first"))
        const waiting = yield* Effect.forkChild(Framed.receive(framed), { startImmediately: true })
        yield* Fiber.interrupt(waiting)
        yield* Connection.writeText(near, "ond\n")
        expect(yield* Framed.receive(framed)).toEqual(Option.some("second"))
      }))

    it.effect("reads no further than it is asked to: the sender has to wait", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const framed = yield* Framed.make(far, Framing.fixedLength(1024))
        const sending = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: 16 }), () => Connection.write(near, new Uint8Array(1 << 20)), {
            discard: true
          })
        )
        let most = 0
        for (let count = 0; count < 16 * 1024; count++) {
          yield* Framed.receive(framed)
          most = Math.max(most, Framed.bufferedUnsafe(framed))
        }
        // What is read and not received stays within one chunk.
        expect(most).toBeLessThanOrEqual(64 * 1024)
        yield* Fiber.join(sending)
      }))
  })

  describe("sending", () => {
    it.effect("sends what the other end receives, one by one and many at once", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const framing = Framing.lengthPrefixed({ prefix: "varint" })
        const sender = yield* Framed.make(near, framing)
        const receiver = yield* Framed.make(far, framing)
        const sent: Array<Uint8Array> = []
        for (let index = 0; index < 300; index++) {
          sent.push(new Uint8Array(yield* Random.nextIntBetween(0, 5000)).fill(index))
        }
        yield* Effect.forkChild(
          Framed.send(sender, sent[0]!).pipe(
            Effect.andThen(Framed.sendAll(sender, sent.slice(1, 100))),
            Effect.andThen(Stream.run(Stream.fromIterable(sent.slice(100)), Framed.sink(sender))),
            Effect.andThen(Framed.end(sender))
          )
        )
        expect(yield* Stream.runCollect(Framed.messages(receiver))).toEqual(sent)
      }).pipe(Random.withSeed("framed")))

    it.effect("refuses what the framing cannot carry, and sends those before it", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const sender = yield* Framed.make(near, Framing.lines())
        const error = yield* Effect.flip(Framed.sendAll(sender, ["fine", "not\nfine", "never"]))
        expect(error._tag).toBe("FramingError")
        yield* Framed.send(sender, "goes on")
        yield* Framed.end(sender)
        expect(new TextDecoder().decode(yield* Connection.readAll(far))).toBe("fine\ngoes on\n")
      }))

    it.effect("asks, and says so when the peer ends instead of answering", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const client = yield* Framed.make(near, Framing.lines())
        const server = yield* Framed.make(far, Framing.lines())
        yield* Effect.forkChild(
          Effect.flatMap(Framed.receive(server), (line) => Framed.send(server, `${Option.getOrThrow(line)}!`))
        )
        expect(yield* Framed.request(client, "hello")).toBe("hello!")
        yield* Framed.end(server)
        expect(yield* Effect.flip(Framed.request(client, "anyone?"))).toMatchObject({
          reason: { _tag: "UnexpectedEnd" }
        })
      }))

    it.effect("cannot be made of a framing that cannot work", () =>
      Effect.gen(function*() {
        const { near } = yield* pair
        expect((yield* Effect.flip(Framed.make(near, Framing.fixedLength(0)))).reason._tag).toBe("InvalidFraming")
      }))
  })

  describe("changing the framing", () => {
    it.effect("carries unread bytes over: SMTP's DATA, its message and QUIT in one packet", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const session = Effect.gen(function*() {
          const commands = yield* Framed.make(far, Framing.lines({ ending: "crlf" }))
          expect(yield* Framed.receive(commands)).toEqual(Option.some("DATA"))
          yield* Framed.send(commands, "354 go ahead")
          const body = yield* Framed.switchTo(commands, Framing.text()(Framing.delimited("\r\n.\r\n")))
          const message = yield* Framed.receive(body)
          const again = yield* Framed.switchTo(body, Framing.lines({ ending: "crlf" }))
          const quit = yield* Framed.receive(again)
          yield* Framed.send(again, "221 bye")
          return { message, quit }
        })
        const serving = yield* Effect.forkChild(session)
        yield* Connection.writeText(near, "DATA\r\nSubject: hi\r\n\r\nHello.\r\n.\r\nQUIT\r\n")
        yield* Connection.end(near)
        expect(yield* Fiber.join(serving)).toEqual({
          message: Option.some("Subject: hi\r\n\r\nHello."),
          quit: Option.some("QUIT")
        })
      }))

    it.effect("carries on as a tunnel, and counts on: HTTP's CONNECT", () =>
      Effect.gen(function*() {
        const { far, near } = yield* pair
        const headers = yield* Framed.make(far, Framing.delimited("\r\n\r\n"))
        yield* Connection.writeText(near, "CONNECT a:1 HTTP/1.1\r\n\r\n\x05tunnel")
        yield* Framed.receive(headers)
        const tunnel = yield* Framed.switchTo(headers, Framing.raw)
        expect(Option.getOrThrow(yield* Framed.receive(tunnel))).toEqual(text.encode("\x05tunnel"))
        const netstrings = yield* Framed.switchTo(tunnel, Framing.netstring())
        yield* Connection.writeText(near, "x")
        expect((yield* Effect.flip(Framed.receive(netstrings))).reason).toMatchObject({ offset: 31 })
      }))
  })

  describe("serving", () => {
    const ask = (server: Server.Server, lines: string) =>
      Effect.gen(function*() {
        const connection = yield* Network.connect(Endpoint.fromAddress(server.address))
        yield* Connection.writeText(connection, lines)
        yield* Connection.end(connection)
        return new TextDecoder().decode(yield* Connection.readAll(connection))
      })

    it.effect("answers each message with one, in order", () =>
      Effect.gen(function*() {
        const server = yield* Server.make(
          { listen },
          Framed.serve(Framing.lines(), (line) => Effect.succeed(line.toUpperCase()))
        )
        expect(yield* ask(server, "a\nb\nc\n")).toBe("A\nB\nC\n")
      }))

    it.effect("sends long answers to many short messages as it goes", () =>
      Effect.gen(function*() {
        const server = yield* Server.make(
          { listen },
          Framed.serve(Framing.lines(), (line) => Effect.succeed(line.repeat(20_000)))
        )
        const expected = Array.from({ length: 100 }, (_, i) => `${`${i % 10}`.repeat(20_000)}\n`).join("")
        const asked = Array.from({ length: 100 }, (_, i) => `${i % 10}\n`).join("")
        expect(yield* ask(server, asked)).toBe(expected)
      }))

    it.effect("does not keep an answer back for one that takes its time", () =>
      Effect.gen(function*() {
        const go = yield* Latch.make()
        const server = yield* Server.make(
          { listen },
          Framed.serve(Framing.lines(), (line) => line === "slow" ? Effect.as(go.await, "slow") : Effect.succeed(line))
        )
        const connection = yield* Network.connect(Endpoint.fromAddress(server.address))
        yield* Connection.writeText(connection, "quick\nslow\nlast\n")
        expect(new TextDecoder().decode(yield* Connection.readUntil(connection, "\n"))).toBe("quick\n")
        yield* go.open
        yield* Connection.end(connection)
        expect(new TextDecoder().decode(yield* Connection.readAll(connection))).toBe("slow\nlast\n")
      }))

    it.effect("notices an incomplete last message behind one that takes its time", () =>
      Effect.gen(function*() {
        const go = yield* Latch.make()
        const seen: Array<string> = []
        const failed = yield* Deferred.make<string>()
        const handler = Framed.serve(Framing.lines(), (line) => {
          seen.push(line)
          return Effect.as(go.await, line)
        })
        const server = yield* Server.make({ listen }, (connection) =>
          Effect.catchTag(handler(connection), "FramingError", ({ reason }) =>
            Deferred.succeed(failed, reason._tag)))
        const connection = yield* Network.connect(Endpoint.fromAddress(server.address))
        yield* Connection.writeText(connection, "slow\nlast")
        yield* Connection.end(connection)
        yield* go.open
        expect(yield* Deferred.await(failed)).toBe("TruncatedFrame")
        expect(seen).toEqual(["slow"])
      }))

    it.effect("reads no further while an answer takes its time, and continues after it", () =>
      Effect.gen(function*() {
        const go = yield* Latch.make()
        const server = yield* Server.make(
          { listen },
          Framed.serve(Framing.lines(), (line) => line === "slow" ? Effect.as(go.await, line) : Effect.succeed(line))
        )
        const client = yield* Network.connect(Endpoint.fromAddress(server.address))
        const lines = new Uint8Array(8 << 20).fill("x".charCodeAt(0)).map((byte, index) =>
          index % 64 === 63 ? 10 : byte
        )
        yield* Connection.writeText(client, "slow\n")
        const sending = yield* Effect.forkChild(
          Effect.andThen(Connection.write(client, lines), Connection.end(client)),
          { startImmediately: true }
        )
        // A round trip on another connection: whatever the server would read of the first, it has read.
        for (let round = 0; round < 20; round++) expect(yield* ask(server, "ping\n")).toBe("ping\n")
        const open = yield* server.connections
        expect(open.length).toBeGreaterThan(0)
        for (const { bytesIn } of open) expect(bytesIn).toBeLessThan(256 * 1024)
        yield* go.open
        expect((yield* Connection.readAll(client)).length).toBe(5 + lines.length)
        yield* Fiber.join(sending)
      }))

    it.effect("answers in the order of the requests when it handles several at once", () =>
      Effect.gen(function*() {
        const others = yield* Deferred.make<void>()
        const server = yield* Server.make(
          { listen },
          Framed.serve(Framing.lines(), (line) =>
            // The first can only continue because the second is handled at the same time.
            line === "1"
              ? Effect.as(Deferred.await(others), line)
              : Effect.as(Deferred.succeed(others, undefined), line), {
            concurrency: 4
          })
        )
        expect(yield* ask(server, "1\n2\n3\n")).toBe("1\n2\n3\n")
      }))
  })
})
