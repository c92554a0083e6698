import { assert, describe, it } from "@effect/vitest"
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
      for (const event of events) assert.include(phases, next(phase, event), `${event} in ${phase}`)
    }
  })

  it("are final exactly when the descriptor is closed", () => {
    for (const phase of phases) {
      for (const event of events) {
        const isFinal = isReleased(next(phase, event))
        assert.strictEqual(isFinal, isReleased(phase) || event === "released", `${event} in ${phase}`)
        assert.isTrue(!isReleased(phase) || next(phase, event) === phase, `${event} in ${phase}`)
      }
    }
  })

  it("are all reached from the first", () => {
    const reached = new Set<Lifecycle.Phase>(["open"])
    for (const phase of reached) for (const event of events) reached.add(next(phase, event))
    assert.deepStrictEqual(phases.filter((phase) => !reached.has(phase)), [])
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
    for (const phase of phases) assert.isFalse(reaches(phase).has(phase), phase)
  })

  it("repeat nothing: an event that comes twice at once is one, but for the end of a handshake", () => {
    for (const phase of phases) {
      for (const event of events) {
        const once = next(phase, event)
        assert.strictEqual(next(once, event), once, `${event} twice in ${phase}`)
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
    const takesTime = connection.beginClose(Exit.void)
    assert.strictEqual(takesTime, connection.phase === "lingering" || connection.phase === "flushing")
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
      for (let walk = 0; walk < 1000; walk++) {
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
          assert.strictEqual(closed, transport.closed ? 1 : 0, story)
          assert.strictEqual(isReleased(connection.phase), transport.closed, story)
          const { calls } = transport
          const count = (call: (typeof calls)[number]) => calls.filter((each) => each === call).length
          // FIN is sent at most once, and nothing behind it.
          assert.isBelow(count("end"), 2, story)
          assert.isTrue(count("end") === 0 || calls.lastIndexOf("write") < calls.indexOf("end"), story)
          // It is destroyed at most once, when all is sent.
          assert.isBelow(count("destroy"), 2, story)
          assert.isTrue(connection.phase !== "finishing" || count("destroy") === 1, story)
          assert.isTrue(connection.phase !== "aborting" || count("reset") > 0, story)
          const isGone = connection.phase === "failing" || connection.phase === "aborting" || transport.closed
          assert.isTrue(!isGone || connection.output.failure !== undefined, story)
          assert.isFalse(isGone && (connection.input.isWaiting || connection.output.isWaiting), story)
          assert.isFalse(isUpgrading(connection.phase), story)
        }
        if (!transport.closed) transport.close()
        assert.strictEqual(settled, readers, path.join(", "))
        assert.strictEqual(closed, 1, path.join(", "))
        assert.strictEqual(connection.outcome._tag.toLowerCase(), connection.phase, path.join(", "))
      }
    }))
})
