import { describe, expect, it } from "@effect/vitest"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Lifecycle from "../../src/internal/connection/lifecycle.ts"
import { connect, FakeTransport } from "./FakeTransport.ts"

const { events, isReleased, isUpgrading, next, phases } = Lifecycle

describe("the phases of a connection", () => {
  it("define an outcome for every event in every phase", () => {
    for (const phase of phases) {
      for (const event of events) expect(phases, `${event} in ${phase}`).toContain(next(phase, event))
    }
  })

  it("are final exactly when the descriptor is closed", () => {
    for (const phase of phases) {
      expect(isReleased(next(phase, "released")), phase).toBe(true)
      for (const event of events) {
        if (isReleased(phase)) expect(next(phase, event), `${event} in ${phase}`).toBe(phase)
        else if (event !== "released") expect(isReleased(next(phase, event)), `${event} in ${phase}`).toBe(false)
      }
    }
  })

  it("are all reached from the first", () => {
    const reached = new Set<Lifecycle.Phase>(["open"])
    for (const phase of reached) for (const event of events) reached.add(next(phase, event))
    expect(phases.filter((phase) => !reached.has(phase))).toEqual([])
  })

  it("never go back: no sequence of events repeats a phase that was left, but for a handshake that succeeded", () => {
    const reaches = (from: Lifecycle.Phase): ReadonlySet<Lifecycle.Phase> => {
      const reached = new Set<Lifecycle.Phase>()
      const visit = (phase: Lifecycle.Phase) => {
        for (const event of events) {
          const to = next(phase, event)
          if (event === "secured" || to === phase || reached.has(to)) continue
          reached.add(to)
          visit(to)
        }
      }
      visit(from)
      return reached
    }
    for (const phase of phases) expect(reaches(phase).has(phase), phase).toBe(false)
  })

  it("repeat nothing: an event that comes twice at once is one, but for the end of a handshake", () => {
    for (const phase of phases) {
      for (const event of events) {
        const once = next(phase, event)
        expect(next(once, event), `${event} twice in ${phase}`).toBe(once)
      }
    }
  })
})

// What a random walk does to a connection. Each answers whether it could be done.
type Move = (connection: ReturnType<typeof connect>, transport: FakeTransport) => void

const broken = NetworkError.make("read", "peer", new NetworkError.ConnectionReset())

const moves: Record<string, Move> = {
  "the peer sends": (_, transport) => {
    if (!transport.closed && transport.isFlowing && !peerHasEnded.has(transport)) transport.deliver(new Uint8Array([1]))
  },
  "the peer ends": (_, transport) => {
    if (transport.closed || !transport.isFlowing || peerHasEnded.has(transport)) return
    peerHasEnded.add(transport)
    transport.receiver!.onEnd()
  },
  "the system takes what was written": (_, transport) => {
    if (!transport.closed && transport.isBusy) transport.flush()
  },
  "the transport breaks": (_, transport) => {
    if (!transport.closed) transport.receiver!.onError(broken)
  },
  "the descriptor is closed": (_, transport) => {
    if (!transport.closed) transport.close()
  },
  "a reader waits": (connection) => connection.input.take(() => {}),
  "a chunk is written": (connection) => {
    if (connection.refusal === undefined) connection.output.write([new Uint8Array([1])], { onWritten: () => {} })
  },
  "this side ends": (connection) => {
    if (connection.output.failure === undefined) connection.end({ onWritten: () => {} })
  },
  "this side aborts": (connection) => connection.abort(),
  "a deadline passes": (connection) => connection.fail(broken),
  "the Scope is closed": (connection) => {
    if (connection.beginClose(Exit.void)) expect(["lingering", "flushing"]).toContain(connection.phase)
  },
  "the Scope is interrupted": (connection) => void connection.beginClose(Exit.interrupt()),
  "the peer is silent": (connection) => {
    if (!connection.output.isWaiting) connection.fallSilent()
  }
}

const peerHasEnded = new WeakSet<FakeTransport>()

describe("a connection", () => {
  it.effect("keeps its promises, whatever happens in whatever order", () =>
    Effect.gen(function*() {
      const names = Object.keys(moves)
      for (let walk = 0; walk < 3000; walk++) {
        const transport = new FakeTransport()
        transport.takes = (yield* Random.nextInt) % 2 === 0
        const connection = connect(transport)
        let closed = 0
        let settled = 0
        const readers = 2
        for (let reader = 0; reader < readers; reader++) connection.input.take(() => settled++)
        connection.observe({ onClosed: () => closed++ })
        const path: Array<string> = []
        const steps = yield* Random.nextIntBetween(1, 15)
        for (let step = 0; step < steps; step++) {
          const name = names[yield* Random.nextIntBetween(0, names.length - 1)]!
          path.push(name)
          const before = connection.phase
          moves[name]!(connection, transport)
          const story = `${path.join(", ")}: ${before} → ${connection.phase}`
          expect(closed, story).toBe(transport.closed ? 1 : 0)
          expect(isReleased(connection.phase), story).toBe(transport.closed)
          // FIN is sent once, and nothing behind it.
          const fin = transport.calls.indexOf("end")
          if (fin !== -1) expect(transport.calls.slice(fin + 1), story).not.toContain("write")
          expect(transport.calls.filter((call) => call === "end").length, story).toBeLessThan(2)
          // It is destroyed once, and only when all is sent.
          expect(transport.calls.filter((call) => call === "destroy").length, story).toBeLessThan(2)
          if (connection.phase === "finishing") expect(transport.calls, story).toContain("destroy")
          if (connection.phase === "aborting") expect(transport.calls, story).toContain("reset")
          if (connection.phase === "failing" || connection.phase === "aborting" || transport.closed) {
            expect(connection.output.failure, story).toBeDefined()
            expect(connection.input.isWaiting, story).toBe(false)
            expect(connection.output.isWaiting, story).toBe(false)
          }
          expect(isUpgrading(connection.phase), story).toBe(false)
        }
        if (!transport.closed) transport.close()
        expect(settled, path.join(", ")).toBe(readers)
        expect(closed, path.join(", ")).toBe(1)
        expect({ ended: "Ended", aborted: "Aborted", failed: "Failed" }, path.join(", ")).toHaveProperty(
          connection.phase,
          connection.outcome._tag
        )
      }
    }))
})
