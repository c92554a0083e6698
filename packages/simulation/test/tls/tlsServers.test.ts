import { describe, expect, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Tls from "@sluice/core/Tls"
import * as Fault from "@sluice/simulation/Fault"
import * as Host from "@sluice/simulation/Host"
import * as SimCertificate from "@sluice/simulation/SimCertificate"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Trace from "@sluice/simulation/Trace"
import * as VitestSimulation from "@sluice/simulation/VitestSimulation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { connect, hosts, listen } from "../fixtures/handshake.ts"

const hour = 3_600_000
const authority = SimCertificate.authority("Test CA")
const trusting: Tls.ClientOptions = { authorities: authority.certificate }
const tls: Tls.ServerOptions = { certificates: [authority.issue({ names: ["server"] })] }

/** Asks an echo server over a connection of its own. */
const ask = (host: Host.Host, options: Tls.ClientOptions) =>
  Effect.scoped(Effect.gen(function*() {
    const connection = yield* connect(host, options)
    yield* Connection.writeText(connection, "hello")
    const answer = yield* Connection.readExactly(connection, 5)
    expect(new TextDecoder().decode(answer)).toBe("hello")
    return connection.tls!
  }))

describe("a server over simulated TLS", () => {
  VitestSimulation.it(
    "learns of each client that is gone right after its handshake",
    Effect.gen(function*() {
      const ends = yield* hosts({ latency: "1 millis" })
      const { failed, listener } = yield* listen(ends.server, { tls })
      yield* Connection.end(yield* connect(ends.client, trusting))
      expect(Option.isNone(yield* Connection.read(yield* Listener.accept(listener)))).toBe(true)
      yield* Connection.abort(yield* connect(ends.client, trusting))
      // The reset may discard the end of the handshake.
      const ended = Effect.flatMap(Listener.accept(listener), Connection.closed)
      expect((yield* Effect.raceFirst(ended, failed))._tag).toMatch(/^(Failed|NetworkError)$/)
    }),
    { seeds: 10 }
  )

  VitestSimulation.it(
    "that drains serves the client whose handshake has begun, and does not wait for one that stalls",
    Effect.gen(function*() {
      const ends = yield* hosts({ latency: "10 millis" })
      const stalling = yield* SimNetwork.host("stalling")
      yield* Fault.breakTls(stalling, "stall")
      const server = yield* Effect.provide(
        Server.make(
          { listen: "tls://0.0.0.0:443", tls, drain: "10 seconds" },
          (connection) => Connection.pipeTo(connection, connection)
        ),
        Host.layer(ends.server)
      )
      const answered = yield* Effect.forkScoped(ask(ends.client, trusting))
      yield* Effect.forkScoped(Effect.exit(connect(stalling, trusting)))
      // TCP is connected, and the ClientHello has arrived; the rest has not.
      yield* Effect.sleep("35 millis")
      expect(yield* server.connections).toEqual([])
      const began = yield* Clock.currentTimeMillis
      yield* server.drain
      expect((yield* Fiber.join(answered)).resumed).toBe(false)
      const took = (yield* Clock.currentTimeMillis) - began
      expect(took).toBeGreaterThanOrEqual(1_000)
      expect(took).toBeLessThan(1_500)
    }),
    { seeds: 20 }
  )

  it.effect(
    "keeps running with thousands of handshakes that stall, and gives each up to the millisecond",
    () =>
      Effect.gen(function*() {
        const stalled = 2000
        const program = Effect.gen(function*() {
          const ends = yield* hosts({ latency: "5 millis" })
          const stalling = yield* SimNetwork.host("stalling")
          yield* Fault.breakTls(stalling, "stall")
          const { errors, times } = yield* listen(ends.server, {
            tls,
            handshakeTimeout: "10 seconds",
            backlog: 5000
          })
          // Half of them say nothing at all, the others only hello.
          yield* Effect.forEach(Array.from({ length: stalled }, (_, index) => index % 2), (isSilent) =>
            Effect.forkScoped(
              isSilent
                ? Effect.exit(Effect.provide(Network.connect("tcp://server:443"), Host.layer(stalling)))
                : Effect.exit(connect(stalling, trusting))
            ), { discard: true })
          yield* Effect.sleep("5 seconds")
          const began = yield* Clock.currentTimeMillis
          const near = yield* connect(ends.client, trusting)
          // TCP, and TLS: two round trips, as ever.
          expect((yield* Clock.currentTimeMillis) - began).toBeLessThan(25)
          yield* Effect.sleep("1 minute")
          expect(errors.length).toBe(stalled)
          expect(new Set(errors.map(({ reason }) => JSON.stringify(reason))).size).toBe(1)
          expect(errors[0]!.reason).toMatchObject({ _tag: "TimedOut", deadline: "handshake", after: 10_000 })
          return { near, times }
        })
        const { times } = yield* Simulation.run(program, { trace: false, limit: { steps: 50_000_000 } })
        // All have connected after 1 ms of latency and back: each is given up 10 seconds after its last packet.
        expect(new Set(times)).toEqual(new Set([10_003]))
      })
  )

  it.effect("gives up those that have taken the longest, when there are more than its backlog", () =>
    Simulation.run(Effect.gen(function*() {
      const ends = yield* hosts({ latency: "5 millis" })
      const stalling = yield* SimNetwork.host("stalling")
      yield* Fault.breakTls(stalling, "stall")
      yield* Host.serve(
        ends.server,
        Server.layer({ listen: "tls://0.0.0.0:443", tls, backlog: 16 }, (c) => Connection.pipeTo(c, c))
      )
      for (let count = 0; count < 200; count++) {
        yield* Effect.forkScoped(Effect.exit(connect(stalling, trusting)))
        yield* Effect.sleep("10 millis")
      }
      expect((yield* ask(ends.client, trusting)).verified).toBe(true)
    })))

  VitestSimulation.it(
    "serves for twelve hours with certificates that expire, and are replaced in time or too late",
    Effect.gen(function*() {
      const ends = yield* hosts({ latency: "20 millis", loss: 0.05 })
      const issue = (number: number) =>
        authority.issue({ names: ["server"], serialNumber: number, notAfter: new Date(number * hour) })
      const disk = new Map<string, string>()
      const write = (certificate: Tls.Certificate) =>
        Effect.sync(() => void disk.set("chain", certificate.chain).set("key", String(certificate.key)))
      const files = FileSystem.layerNoop({ readFileString: (path) => Effect.sync(() => disk.get(path)!) })
      yield* write(issue(1))
      const Echo = Layer.unwrap(Effect.map(
        Tls.reloading({ certificates: [{ chain: "chain", key: "key" }] }, Schedule.spaced("5 minutes")),
        (tls) => Server.layer({ listen: "tls://0.0.0.0:443", tls }, (c) => Connection.pipeTo(c, c))
      ))
      yield* Host.serve(ends.server, Layer.provide(Echo, files))

      // The one who replaces them does so ten minutes before they expire, but sleeps in the sixth hour; and in the ninth it
      // first writes half of them.
      yield* Effect.forkScoped(Effect.gen(function*() {
        for (let number = 2; number <= 13; number++) {
          yield* Effect.sleep(number === 2 ? "44 minutes" : "54 minutes")
          if (number === 10) yield* Effect.sync(() => disk.set("chain", issue(number).chain))
          yield* Effect.sleep("6 minutes")
          if (number !== 7) yield* write(issue(number))
        }
      }))

      // One connection lives through it all.
      const lasting = yield* connect(ends.client, trusting)
      const outcomes: Array<string> = []
      for (let minute = 7; minute < 12 * 60; minute += 10) {
        yield* Effect.sleep(minute === 7 ? "7 minutes" : "10 minutes")
        const asked = yield* Effect.result(ask(ends.client, trusting))
        outcomes.push(asked._tag === "Success" ? "served" : asked.failure.reason._tag)
        yield* Connection.writeText(lasting, "x")
        yield* Connection.readExactly(lasting, 1)
      }
      const failed = outcomes.flatMap((outcome, index) => outcome === "served" ? [] : [[outcome, 7 + 10 * index]])
      // Nobody was served from the sixth hour on, until ten minutes before the next.
      expect(failed.map(([outcome]) => outcome)).toEqual(failed.map(() => "CertificateExpired"))
      for (const [, minute] of failed) {
        expect(minute).toBeGreaterThanOrEqual(6 * 60)
        expect(minute).toBeLessThanOrEqual(7 * 60)
      }
      expect(failed.length).toBeGreaterThanOrEqual(5)
      expect(outcomes.length).toBe(72)
    }),
    { seeds: 3, limit: { time: "13 hours" } }
  )

  it.effect("can be watched: records are of the shape that Wireshark knows, and the trace says what they are", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const ends = yield* hosts({ segmentation: 0 })
        yield* Host.serve(
          ends.server,
          Server.layer({ listen: "tls://0.0.0.0:443", tls }, (c) => Connection.pipeTo(c, c))
        )
        yield* ask(ends.client, trusting)
      })
      const { trace } = yield* Simulation.record(program)
      const streams = new Map<string, Array<Uint8Array>>()
      for (const record of trace.records) {
        if (record._tag !== "Segment" || record.payload.length === 0) continue
        streams.set(record.from, [...(streams.get(record.from) ?? []), record.payload])
      }
      const typesOf = (host: string) => {
        const bytes = Buffer.concat(streams.get(host)!)
        const types: Array<number> = []
        for (let offset = 0; offset < bytes.length; offset += 5 + bytes.readUInt16BE(offset + 3)) {
          expect(bytes.readUInt16BE(offset + 1)).toBe(0x0303)
          types.push(bytes[offset]!)
        }
        return types
      }
      expect(typesOf("client")).toEqual([22, 22, 23, 21])
      expect(typesOf("server")).toEqual([22, 22, 23, 21])
      const said = [
        "TLS ClientHello",
        "TLS ServerHello, Certificate, Finished",
        "TLS NewSessionTicket",
        "TLS close_notify"
      ]
      for (const words of said) {
        expect(Trace.toText(trace)).toContain(`: ${words}\n`)
        expect(Trace.toMermaid(trace)).toContain(` ${words}\n`)
      }
    }))
})
