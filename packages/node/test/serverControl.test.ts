import { afterAll, describe, expect, layer } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Server from "@sluice/core/Server"
import type * as ServerEvent from "@sluice/core/ServerEvent"
import * as ServerLog from "@sluice/core/ServerLog"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as NetAddress from "effect/net/NetAddress"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeNetwork from "../src/NodeNetwork.ts"

// Plain clients of the kernel's sockets see how they are rejected.
const echo = (connection: Connection.Connection) => Connection.pipeTo(connection, connection)

const folder = mkdtempSync(join(tmpdir(), "sluice-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** What comes of saying something to a server: the answer, or the error code with which the connection broke. */
const say = (to: NetAddress.SocketAddress, from = "127.0.0.1") =>
  Effect.callback<string>((resume) => {
    const socket = Net.connect(
      NetAddress.isUnixPathAddress(to)
        ? { path: to.path }
        : { host: from, port: to.port, localAddress: from }
    )
    const answer: Array<Buffer> = []
    socket.on("data", (chunk: Buffer) => answer.push(chunk))
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? "")))
    socket.on("end", () => resume(Effect.succeed(Buffer.concat(answer).toString())))
    socket.end("hello")
    return Effect.sync(() => socket.destroy())
  })

const served = Effect.fnUntraced(function*(options: Partial<Server.Options>) {
  const server = yield* Server.make({ listen: "tcp://127.0.0.1:0", ...options }, echo)
  const refused = yield* Queue.unbounded<ServerEvent.Refused>()
  yield* Effect.forkScoped(
    Stream.runForEach(server.events, (event) => event._tag === "Refused" ? Queue.offer(refused, event) : Effect.void),
    { startImmediately: true }
  )
  return { address: server.address, server, refused: Queue.take(refused) }
})

/** What a client sees of a server with these options, and why it was refused. */
const turnedAway = Effect.fnUntraced(function*(options: Partial<Server.Options>, from?: string) {
  const { address, refused } = yield* served(options)
  const answer = yield* say(address, from)
  return { answer, why: (yield* refused).why }
})

const isReset = (answer: string) => expect(["ECONNRESET", "EPIPE"]).toContain(answer)

layer(NodeNetwork.layer)("who may connect", (it) => {
  it.effect("is whom allow holds and deny does not; the others get a reset", () =>
    Effect.gen(function*() {
      for (const options of [{ allow: ["10.0.0.0/8"] }, { deny: ["127.0.0.0/8"] }, { allow: [] }]) {
        const { answer, why } = yield* turnedAway(options)
        isReset(answer)
        expect(why).toBe(Object.keys(options)[0])
      }
      const { address } = yield* served({ allow: ["127.0.0.0/8"], deny: ["10.0.0.0/8"] })
      expect(yield* say(address)).toBe("hello")
    }))

  it.effect("is the same for IPv4 clients of an IPv6 socket", () =>
    Effect.gen(function*() {
      const listen = "tcp://[::]:0"
      const { answer, why } = yield* turnedAway({ listen, deny: ["127.0.0.1"] })
      isReset(answer)
      expect(why).toBe("deny")
      const { address } = yield* served({ listen, allow: ["127.0.0.1"] })
      expect(yield* say(address)).toBe("hello")
      isReset(yield* say(address, "::1"))
    }))

  it.effect("is told by each address, of which a machine has many", () =>
    Effect.gen(function*() {
      const { address, refused } = yield* served({ listen: "tcp://0.0.0.0:0", deny: ["127.0.0.2/31"] })
      expect(yield* say(address, "127.0.0.1")).toBe("hello")
      isReset(yield* say(address, "127.0.0.2"))
      isReset(yield* say(address, "127.0.0.3"))
      expect(yield* say(address, "127.0.0.4")).toBe("hello")
      expect(NetAddress.isInetAddress((yield* refused).remoteAddress)).toBe(true)
    }))

  it.effect("is bounded by a rate, for all and for each", () =>
    Effect.gen(function*() {
      const all = yield* served({ listen: "tcp://0.0.0.0:0", acceptRate: { perSecond: 1, burst: 2 } })
      expect([yield* say(all.address), yield* say(all.address, "127.0.0.2")]).toEqual(["hello", "hello"])
      isReset(yield* say(all.address, "127.0.0.3"))
      expect((yield* all.refused).why).toBe("acceptRate")
      const each = yield* served({ listen: "tcp://0.0.0.0:0", acceptRatePerAddress: { perSecond: 1, burst: 1 } })
      expect([yield* say(each.address), yield* say(each.address, "127.0.0.2")]).toEqual(["hello", "hello"])
      isReset(yield* say(each.address))
      expect((yield* each.refused).why).toBe("acceptRatePerAddress")
    }))

  it.effect("does not depend on addresses over a Unix-domain socket", () =>
    Effect.gen(function*() {
      const { address } = yield* served({
        listen: Endpoint.unix(join(folder, "server.sock")),
        allow: ["10.0.0.0/8"],
        acceptRatePerAddress: 1,
        maxConnectionsPerAddress: 1
      })
      for (let round = 0; round < 3; round++) expect(yield* say(address)).toBe("hello")
    }))

  it.effect("is judged by a Listener too", () =>
    Effect.gen(function*() {
      const listener = yield* Network.listen("tcp://127.0.0.1:0", { acceptRatePerAddress: { perSecond: 1, burst: 1 } })
      const accepting = yield* Effect.forkChild(Effect.scoped(Effect.flatMap(Listener.accept(listener), echo)), {
        startImmediately: true
      })
      expect(yield* say(listener.address)).toBe("hello")
      yield* Fiber.join(accepting)
      isReset(yield* say(listener.address))
      const denied = yield* Network.listen("tcp://127.0.0.1:0", { deny: ["127.0.0.1"] })
      isReset(yield* say(denied.address))
      const reason = yield* Effect.flip(Network.listen("tcp://127.0.0.1:0", { allow: ["10.0.0.1/8"] }))
      expect(reason.reason).toMatchObject({ _tag: "InvalidOption", option: "allow" })
    }))

  it.effect("is counted by the reason of the refusal", () =>
    Effect.gen(function*() {
      const { address } = yield* served({ deny: ["127.0.0.1"] })
      isReset(yield* say(address))
      isReset(yield* say(address))
      const counted = (yield* Metric.snapshot).filter(({ id, state }) =>
        id === "sluice_connections_refused" && "count" in state && Number(state.count) > 0
      )
      expect(counted.map(({ attributes, state }) => [attributes?.reason, (state as { count: number }).count]))
        .toEqual([["deny", 2]])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))
})

layer(NodeNetwork.layer)("live control", (it) => {
  describe("suspend", () => {
    it.effect("keeps the port: the kernel takes connections, which wait unread until resume", () =>
      Effect.gen(function*() {
        const { server } = yield* served({})
        yield* server.suspend
        const answer = yield* Effect.forkChild(say(server.address), { startImmediately: true })
        const other = yield* Network.connect(Endpoint.fromAddress(server.address))
        expect((yield* server.connections).length).toBe(0)
        expect(answer.pollUnsafe()).toBeUndefined()
        yield* server.resume
        expect(yield* Fiber.join(answer)).toBe("hello")
        yield* Connection.writeText(other, "hello")
        expect((yield* Connection.readExactly(other, 5)).length).toBe(5)
      }))
  })

  describe("close", () => {
    it.effect("ends a connection in order for its peer, and says so", () =>
      Effect.gen(function*() {
        const { server } = yield* served({})
        const ends = yield* Effect.forkChild(
          server.events.pipe(Stream.filter(({ _tag }) => _tag === "Closed"), Stream.take(1), Stream.runCollect),
          { startImmediately: true }
        )
        const client = yield* Network.connect(Endpoint.fromAddress(server.address))
        yield* Connection.writeText(client, "hello")
        yield* Connection.readExactly(client, 5)
        const [open] = yield* server.connections
        expect(open).toMatchObject({ remoteAddress: client.localAddress, bytesIn: 5, bytesOut: 5 })
        expect(yield* server.close(open!.id)).toBe(true)
        expect((yield* Connection.readAll(client)).length).toBe(0)
        yield* Connection.end(client)
        expect(yield* Fiber.join(ends)).toMatchObject([{ id: open!.id, reason: "closed", bytesIn: 5, bytesOut: 5 }])
      }))
  })

  it.effect("is logged by a log of one's own", () =>
    Effect.gen(function*() {
      const said = yield* Queue.unbounded<ServerEvent.ServerEvent>()
      const log = ServerLog.make(["Listening", "Accepted", "Closed"], (event) => Queue.offer(said, event))
      const server = yield* Server.make({ listen: "tcp://127.0.0.1:0" }, (): Effect.Effect<
        void,
        NetworkError.NetworkError
      > => Effect.void).pipe(Effect.provideService(ServerLog.CurrentServerLog, log))
      expect(yield* say(server.address)).toBe("")
      expect([(yield* Queue.take(said))._tag, (yield* Queue.take(said))._tag, (yield* Queue.take(said))._tag]).toEqual([
        "Listening",
        "Accepted",
        "Closed"
      ])
    }))
})
