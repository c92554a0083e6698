import { assert, describe, it } from "@effect/vitest"
import * as Conformance from "@sluice/conformance/Conformance"
import * as Network from "@sluice/core/Network"
import * as Transport from "@sluice/core/Transport"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Simulation from "@sluice/simulation/Simulation"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetAddress from "effect/net/NetAddress"
import type { HostState } from "../src/internal/kernel/host.ts"
import { makePlatform } from "../src/internal/kernel/platform.ts"
import { broken, type DatagramBreakage, type StreamBreakage } from "./fixtures/breakage.ts"

const bufferLimit = 1024 * 1024
const checks = [
  ...Conformance.streams({ endpoint: () => "tcp://127.0.0.1:0", resets: true, bufferLimit }),
  ...Conformance.datagrams({ endpoint: () => "udp://127.0.0.1:0", refuses: true })
]

/** What a check finds on a network with a fault. */
const finding = (check: Conformance.Check, streams: StreamBreakage, datagrams: DatagramBreakage) =>
  Effect.gen(function*() {
    const run = yield* Simulation.record(Effect.gen(function*() {
      const host = yield* SimNetwork.host("host")
      const platform = broken(makePlatform(host as HostState, undefined), streams, datagrams)
      const network = yield* Transport.makeNetwork(platform)
      return yield* Effect.provideService(check.run, Network.Network, network)
    }))
    return Exit.isSuccess(run.exit) ? undefined : run.exit
  })

const find = (name: string) => {
  const check = checks.find((check) => check.name === name)
  assert(check !== undefined, name)
  return check
}

/** A fault, and the check that finds it. */
const cases: Record<string, readonly [check: string, streams: StreamBreakage, datagrams?: DatagramBreakage]> = {
  "B1: bytes are changed": ["a byte arrives", {
    onData: (chunk, receiver) => receiver.onData(chunk.map((byte) => byte ^ 1))
  }],
  "B1: bytes arrive twice": ["a byte arrives", {
    onData: (chunk, receiver) => receiver.onData(chunk) && receiver.onData(chunk)
  }],
  "B1: a write never goes through": ["one write of many megabytes arrives whole", { write: () => false }],
  "B1: an array is sent in place of a view": ["a view of a larger array is sent as what it shows", {
    write: (chunks, inner) => inner.write(chunks.map((chunk) => new Uint8Array(chunk.buffer)))
  }],
  "B1: chunks of a flush change places": ["one flush of many chunks arrives in order", {
    write: (chunks, inner) => inner.write(chunks.toReversed())
  }],
  "B2: the peer's end ends both directions": ["half-closing leaves the other direction open", {
    onEnd: (receiver, inner) => {
      receiver.onEnd()
      inner.destroy()
    }
  }],
  "B2: an end is never sent": ["half-closing leaves the other direction open", { end: () => {} }],
  "B2: an end comes behind other bytes": ["an end comes behind a write that waits", {
    onData: (chunk, receiver) => receiver.onData(chunk.map((byte) => byte ^ 1))
  }],
  "R3: some of what waits to be sent is lost": ["so it is with writes that still wait", {
    onData: (chunk, receiver) => receiver.onData(chunk.subarray(1))
  }],
  "B3: an end is not told": ["the end is no error, and stays an end for every way of reading", { onEnd: () => {} }],
  "B3: an end is told twice, as an error": ["the end is no error, and stays an end for every way of reading", {
    onEnd: (receiver) => {
      receiver.onError(
        Transport.systemError({ operation: "read", address: "a", error: { code: "ECONNRESET", syscall: "read" } })
      )
    }
  }],
  "B5: nothing stops the writer": ["a reader that stops stops the writer, which continues when the reader does", {
    onData: (chunk, receiver) => {
      receiver.onData(chunk)
      return true
    }
  }],
  "B6: writes at once change places": ["concurrent writes do not interleave, and keep their order", {
    onData: (chunk, receiver) => receiver.onData(chunk.toReversed())
  }],
  "B7: memory that was kept is used again": ["a chunk that was pulled is never written to again", {
    keep: (() => {
      const memory = new Uint8Array(1024 * 1024)
      return (chunk: Uint8Array) => {
        memory.set(chunk)
        return memory.subarray(0, chunk.length)
      }
    })()
  }],
  "B7: memory that was written is used after the write": [
    "a chunk that was written is free again when the write returns",
    {
      write: (() => {
        let late: () => void = () => {}
        return (chunks: ReadonlyArray<Uint8Array>, inner: Transport.StreamTransport) => {
          late()
          late = () => inner.write(chunks)
          return true
        }
      })()
    }
  ],
  "R1: a closed connection stays open": ["a Scope in which something fails at any point closes what was opened in it", {
    destroy: () => {},
    reset: () => {}
  }],
  "R2: a connection that is closed never says so": ["closing wakes whatever waits to read, with Closed", {
    onClose: () => {}
  }],
  "R3: an end is a reset": ["a Scope that closes after a success sends everything, then an end", {
    end: (inner) => inner.reset()
  }],
  "R3: a failure is an end": ["a Scope that closes after a failure, a defect or an interruption resets", {
    reset: (inner) => {
      inner.end()
      inner.destroy()
    }
  }],
  "R5: a reset is not told": ["a reset by the peer is ConnectionReset", { onError: () => {} }],
  "O: an address is another's": ["addresses match at both ends, and stay readable after closing", {
    localAddress: ({ localAddress }) =>
      NetAddress.isInetAddress(localAddress)
        ? NetAddress.inetAddressUnsafe(localAddress.address, localAddress.port + 1)
        : localAddress
  }],
  "D: a payload is cut": ["boundaries are kept, empty datagrams too", {}, {
    onDatagram: (payload, source, receiver) => receiver.onDatagram(payload.subarray(0, 100), source)
  }],
  "D: an empty datagram is dropped": ["boundaries are kept, empty datagrams too", {}, {
    onDatagram: (payload, source, receiver) => payload.length > 0 && receiver.onDatagram(payload, source)
  }],
  "D: a datagram arrives twice": ["many datagrams come in order through a Stream", {}, {
    onDatagram: (payload, source, receiver) => {
      receiver.onDatagram(payload, source)
      receiver.onDatagram(payload, source)
    }
  }],
  "D: a source is another's": ["a datagram arrives, with where it came from, and can be answered", {}, {
    onDatagram: (payload, source, receiver) =>
      receiver.onDatagram(payload, { ...source, port: source.port === 65_535 ? 1 : source.port + 1 })
  }],
  "D: memory is used again": [
    "a payload is free again when send returns, and one that was received is never written to again",
    {},
    {
      onDatagram: (() => {
        const memory = new Uint8Array(65_536)
        return (payload: Uint8Array, source: Transport.DatagramSource, receiver: Transport.DatagramReceiver) => {
          memory.set(payload)
          receiver.onDatagram(memory.subarray(0, payload.length), source)
        }
      })()
    }
  ],
  "D: a send never ends": ["a datagram arrives, with where it came from, and can be answered", {}, { send: () => {} }],
  "D: a closed socket keeps its address": ["a socket that is closed in every way frees its address", {}, {
    close: Effect.void
  }]
}

describe("a network that breaks a law", () => {
  it.effect.each(Object.entries(cases))(
    "is detected: %s",
    ([title, [name, streams, datagrams = {}]]) =>
      Effect.gen(function*() {
        const check = find(name)
        assert.strictEqual(check.law, title.split(":")[0])
        assert.isUndefined(yield* finding(check, {}, {}))
        assert.isDefined(yield* finding(check, streams, datagrams))
      })
  )
})
