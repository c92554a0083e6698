/** The chat of browsers: its frames and limits on a simulated network, and its page and handshake over HTTP. */
import { describe, expect, it } from "@effect/vitest"
import * as Codec from "@sluice/codec/Codec"
import * as WebSocket from "@sluice/codec/formats/WebSocket"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Server from "@sluice/core/Server"
import * as Framing from "@sluice/framing/Framing"
import * as NodeNetwork from "@sluice/node/NodeNetwork"
import * as Host from "@sluice/simulation/Host"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Result from "effect/Result"
import { request } from "node:http"
import * as Command from "../../src/chat/protocol/Command.ts"
import type * as Line from "../../src/chat/protocol/Line.ts"
import * as Wire from "../../src/chat/protocol/Wire.ts"
import * as ChatServer from "../../src/chat/server/ChatServer.ts"
import * as History from "../../src/chat/server/history/History.ts"
import type { Settings } from "../../src/chat/server/Settings.ts"
import * as WebChat from "../../src/chat/web/WebChat.ts"
import { enter, hosts, unlimited } from "./person.ts"

type Frame = Codec.Type<typeof WebSocket.frame>

const frames = Codec.framing(WebSocket.frame)
const key = Uint8Array.of(1, 2, 3, 4)
const bytes = (text: string) => new TextEncoder().encode(text)

const frame = (
  opcode: Frame["opcode"],
  payload: Uint8Array = new Uint8Array(),
  changes: Partial<Frame> = {}
): Frame => ({
  isFinal: true,
  reserved: 0,
  opcode,
  key,
  payload,
  ...changes
})

const text = (line: string) => frame("text", bytes(line))

/** A chat of lines at port 7000, and of frames, without their handshake, at 7001. */
const chat = (settings: Partial<Settings> = {}) =>
  Layer.unwrap(
    Effect.map(ChatServer.make({ rate: unlimited, ...settings }, [Wire.text, WebChat.wire]), (serve) =>
      Layer.merge(
        Server.layer({ listen: "tcp://0.0.0.0:7000" }, serve(Wire.text)),
        Server.layer({ listen: "tcp://0.0.0.0:7001" }, serve(WebChat.wire, WebChat.heartbeat))
      ))
  ).pipe(Layer.provide(History.layerMemory))

/** A browser, which answers pings unless it is told not to. */
const browse = Effect.fnUntraced(function*(host: Host.Host, answersPings = true) {
  const connection = yield* Host.network(host).connect("tcp://10.0.0.1:7001")
  const framed = yield* Framed.make(connection, frames)
  const lines = yield* Queue.unbounded<Line.Line>()
  const closed = yield* Deferred.make<{ readonly code: number; readonly at: number }>()
  const hear = Effect.fnUntraced(function*({ opcode, payload }: Frame) {
    if (opcode === "ping" && answersPings) return yield* Framed.send(framed, frame("pong", payload))
    if (opcode === "close") {
      const at = yield* Clock.currentTimeMillis
      yield* Deferred.succeed(closed, { code: payload[0]! * 256 + payload[1]!, at })
      return yield* Connection.end(connection)
    }
    if (opcode === "text") yield* Queue.offer(lines, JSON.parse(new TextDecoder().decode(payload)) as Line.Line)
  })
  yield* Effect.forkScoped(
    Effect.ignore(
      Effect.forever(
        Effect.flatMap(Framed.receive(framed), (next) => next._tag === "None" ? Effect.interrupt : hear(next.value))
      )
    )
  )
  const until = <Tag extends Line.Line["_tag"]>(
    tag: Tag,
    isIt: (line: Extract<Line.Line, { readonly _tag: Tag }>) => boolean = () => true
  ): Effect.Effect<Extract<Line.Line, { readonly _tag: Tag }>> =>
    Effect.flatMap(Queue.take(lines), (line) => {
      const its = line as Extract<Line.Line, { readonly _tag: Tag }>
      return line._tag === tag && isIt(its) ? Effect.succeed(its) : until(tag, isIt)
    })
  return {
    connection,
    send: (...sent: ReadonlyArray<Frame>) => Framed.sendAll(framed, sent),
    say: (...said: ReadonlyArray<string>) => Framed.sendAll(framed, said.map(text)),
    until,
    closed: Deferred.await(closed)
  }
})

VitestSimulation.it(
  "a browser and a terminal are in one room, and each is told in its way",
  Effect.gen(function*() {
    const { server, others: [a, b] } = yield* hosts("a", "b")
    yield* Host.serve(server, chat())
    const bob = yield* enter(b!, "bob", "lobby")
    const alice = yield* browse(a)
    expect((yield* alice.until("Rooms")).rooms).toEqual([{ name: "lobby", people: 1, last: 0 }])
    yield* alice.say("/nick alice", "/join lobby")
    expect((yield* alice.until("Present")).names).toEqual(["bob", "alice"])
    yield* bob.untilSays("-- alice joined")
    yield* bob.say("hello")
    const hello = yield* alice.until("Past")
    expect(hello).toMatchObject({ room: "lobby", spoken: { _tag: "Said", name: "bob", text: "hello" } })
    // Fragments, a ping amid them, and what the text wire has no bytes for.
    yield* alice.send(
      frame("text", bytes("in "), { isFinal: false }),
      frame("ping", bytes("?")),
      frame("continuation", bytes("parts\u0007\n\u202e"))
    )
    yield* bob.untilSays("<alice> in parts")
    // No two lines of a room have one time, and rooms are announced as they change.
    yield* bob.say("one", "two")
    const one = yield* alice.until("Past", ({ spoken }) => spoken.text === "one")
    const two = yield* alice.until("Past")
    expect(two.at).toBe(one.at + 1)
    expect((yield* alice.until("Rooms")).rooms).toEqual([{ name: "lobby", people: 2, last: two.at }])
    // A line that is too long is answered.
    yield* alice.say("x".repeat(10_000), "/ping on")
    expect((yield* alice.until("Refusal")).text).toBe("that is too long: 1000 characters at most")
    yield* alice.until("Pong")
    yield* alice.send(frame("close", Uint8Array.of(3, 233)))
    yield* bob.untilSays("-- alice left (left)")
  })
)

VitestSimulation.it(
  "a browser that returns has its name and what it missed, once",
  Effect.gen(function*() {
    const { server, others: [a, b, c] } = yield* hosts("a", "b", "c")
    yield* Host.serve(server, chat({ history: 50 }))
    const bob = yield* enter(b!, "bob", "lobby")
    const greet = ["/token 0123456789abcdef", "/nick alice"]
    const alice = yield* browse(a)
    yield* alice.say(...greet, "/join lobby", "known")
    const { at } = yield* alice.until("Past")
    yield* bob.say(...Array.from({ length: 30 }, (_, index) => `missed ${index}`))
    yield* bob.settled

    const thief = yield* browse(c!)
    yield* thief.say("/token fedcba9876543210", "/nick alice")
    expect(yield* thief.until("Refusal")).toMatchObject({ text: "the name alice is taken", taken: "alice" })

    const again = yield* browse(c!)
    yield* again.say(...greet, `/rejoin lobby ${at}`)
    const missed: Array<string> = []
    for (let index = 0; index < 31; index++) missed.push((yield* again.until("Past")).spoken.text)
    expect(missed).toEqual(["known", ...Array.from({ length: 30 }, (_, index) => `missed ${index}`)])
    expect((yield* again.until("Present")).names).toEqual(["bob", "alice"])
    yield* bob.untilSays("-- alice left (reconnected)")
    yield* bob.untilSays("-- alice joined")
    // The older connection is told not to return, which would take the name back and forth.
    expect((yield* alice.closed).code).toBe(4000)
  })
)

VitestSimulation.it(
  "limits hold for browsers as for terminals",
  Effect.gen(function*() {
    const { server, others: [a, b, c] } = yield* hosts("a", "b", "c")
    yield* Host.serve(
      server,
      chat({ clients: 4, clientsPerAddress: 2, queue: 100, rate: { burst: 20, refill: 10 }, patience: 5 })
    )
    const bob = yield* enter(a, "bob", "lobby")
    const deaf = yield* browse(a)
    yield* deaf.say("/nick deaf")
    yield* deaf.until("Called", ({ name }) => name === "deaf")
    const third = yield* browse(a)
    expect((yield* third.until("Refusal")).text).toBe("from 10.0.0.2, 2 are here already; try again later")
    expect((yield* third.closed).code).toBe(1012)
    const flood = yield* browse(b!)
    yield* flood.say("/join lobby", ...Array.from({ length: 40 }, (_, index) => `${index}`))
    expect((yield* flood.closed).code).toBe(4000)
    yield* bob.untilSays("-- guest3 left (flooding)")
    const late = yield* browse(c!)
    yield* late.until("Called")
    // A protocol error ends it, and nothing else.
    for (
      const bad of [
        frame("text", bytes("x"), { key: undefined }),
        frame("binary", bytes("x")),
        frame("text", bytes("x"), { reserved: 4 }),
        frame("continuation", bytes("x")),
        frame("ping", bytes("x"), { isFinal: false }),
        frame("text", Uint8Array.of(0xc3)),
        frame("text", new Uint8Array(100_000))
      ]
    ) {
      const mallory = yield* browse(b!)
      yield* mallory.until("Called")
      yield* mallory.send(bad)
      expect((yield* mallory.closed).code).toBe(4000)
    }
    yield* bob.settled
  })
)

VitestSimulation.it(
  "a browser that is gone is noticed within a minute; one that does not read is dropped",
  Effect.gen(function*() {
    const { server, others: [a, b, c] } = yield* hosts("a", "b", "c")
    yield* Host.serve(server, chat({ queue: 100 }))
    const bob = yield* enter(b!, "bob", "lobby")
    const quiet = yield* browse(a)
    yield* quiet.say("/nick quiet", "/join lobby")
    const gone = yield* browse(c!, false)
    yield* gone.say("/nick gone", "/join lobby")
    yield* bob.untilSays("-- gone joined")
    const joined = yield* Clock.currentTimeMillis
    const { at } = yield* bob.untilSays("-- gone left (silent)")
    expect(at - joined).toBeGreaterThanOrEqual(60_000)
    expect(at - joined).toBeLessThan(60_100)
    expect((yield* gone.closed).code).toBe(1012)

    const deaf = yield* Host.network(c!).connect("tcp://10.0.0.1:7001")
    yield* Connection.writeAll(
      deaf,
      Result.getOrThrow(Framing.encodeAll(frames, ["/nick deaf", "/join lobby"].map(text)))
    )
    yield* bob.untilSays("-- deaf joined")
    const words = "x".repeat(1000)
    for (
      let said = 0;
      said < 3000 && !bob.heard.some(({ line }) => line._tag === "Left" && line.name === "deaf");
      said++
    ) {
      yield* bob.say(words)
      yield* Effect.sleep("1 millis")
    }
    yield* bob.settled
    expect(bob.heard.find(({ line }) => line._tag === "Left" && line.name === "deaf")?.line).toMatchObject({
      why: "too slow"
    })
    // The browser that reads is unaffected.
    yield* bob.say("last")
    yield* quiet.until("Past", ({ spoken }) => spoken.text === "last")
  })
)

describe("the page and the handshake", () => {
  const port = Deferred.makeUnsafe<number>()
  const serving = Layer.unwrap(Effect.map(ChatServer.make({}, [Wire.text, WebChat.wire]), (serve) =>
    WebChat.layer({
      listen: "tcp://127.0.0.1:0",
      origins: ["https://chat.example.org"],
      onListening: (address) => Deferred.succeed(port, (address as NetAddress.InetAddress).port)
    }, serve))).pipe(Layer.provide([History.layerMemory, NodeNetwork.layer]))

  it.live("send files with a strict policy, and open WebSockets for pages of this server only", () =>
    Effect.gen(function*() {
      yield* Layer.build(serving)
      const url = `http://127.0.0.1:${yield* Deferred.await(port)}/`
      const get = (path: string, options: RequestInit = {}) => Effect.promise(() => fetch(url + path, options))
      const page = yield* get("")
      expect(page.headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self'; /
      )
      const html = yield* Effect.promise(() => page.text())
      expect(html).not.toMatch(/<script>|<style| style=| on\w+=/)
      const scripts = Array.from(html.matchAll(/(?:src|href)="(\w+\.js)"/g), ([, name]) => name!)
      let size = 0
      for (const name of [...scripts, "dom.js", "commands.js"]) {
        const script = yield* get(name)
        expect(script.headers.get("content-type")).toMatch(/^text\/javascript/)
        expect(script.headers.get("content-encoding")).toBe("gzip")
        size += Number(script.headers.get("content-length"))
      }
      expect(size).toBeGreaterThan(5_000)
      expect(size).toBeLessThan(20_000)
      const known = { headers: { "if-none-match": page.headers.get("etag")! } }
      expect((yield* get("", known)).status).toBe(304)
      expect((yield* get("nothing")).status).toBe(404)
      expect((yield* get("types.d.ts")).status).toBe(404)
      expect((yield* get("", { method: "POST" })).status).toBe(405)

      const host = new URL(url).host
      /** The status of a handshake. */
      const ask = (headers: Record<string, string>, path = "/chat") =>
        Effect.promise(() =>
          new Promise<number | undefined>((resolve, reject) => {
            const handshake = {
              Connection: "Upgrade",
              Upgrade: "websocket",
              "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="
            }
            const asking = request(new URL(path, url), { headers: { ...handshake, ...headers } })
            asking.on("error", reject).on("response", ({ statusCode }) => resolve(statusCode))
            asking.on("upgrade", (response, socket) => {
              socket.destroy()
              // cspell:ignore Gzzh
              // The example of RFC 6455, 1.3.
              expect(response.headers["sec-websocket-accept"]).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
              resolve(response.statusCode)
            }).end()
          })
        )
      expect(yield* ask({})).toBe(101)
      expect(yield* ask({ Origin: `http://${host}` })).toBe(101)
      expect(yield* ask({ Origin: "http://localhost:80", Host: "localhost" })).toBe(101)
      expect(yield* ask({ Origin: "https://chat.example.org", Host: "anything" })).toBe(101)
      expect(yield* ask({ Origin: "http://evil.example" })).toBe(403)
      // Its name leads here, as an attacker can have it.
      expect(yield* ask({ Origin: "http://evil.example", Host: "evil.example" })).toBe(403)
      expect(yield* ask({ Origin: "http://127.0.0.1:1" })).toBe(403)
      expect(yield* ask({ Origin: "null" })).toBe(403)
      expect(yield* ask({ "Sec-WebSocket-Version": "8" })).toBe(426)
      expect(yield* ask({ "Sec-WebSocket-Key": "short" })).toBe(400)
      expect(yield* ask({ Upgrade: "h2c" })).toBe(400)
      expect(yield* ask({}, "/other")).toBe(404)
    }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None")))

  it("hint at commands that there are", async () => {
    const page = new URL("../../src/chat/web/page/commands.js", import.meta.url).href
    const { commands } = await import(page) as { readonly commands: ReadonlyArray<readonly [string, string]> }
    expect(commands.length).toBeGreaterThan(5)
    for (const [usage, about] of commands) {
      const verb = usage.slice(1).split(" ")[0]!
      expect(usage).toBe(Command.usage(verb))
      expect(about).toBe(Command.verbs[verb]!.about)
    }
  })
})
