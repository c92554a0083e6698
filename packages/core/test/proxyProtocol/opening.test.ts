import { assert, describe, it } from "@effect/vitest"
import * as NetworkError from "@sluice/core/NetworkError"
import type * as Tls from "@sluice/core/Tls"
import type * as Transport from "@sluice/core/Transport"
import * as ProxyProtocol from "@sluice/proxy/ProxyProtocol"
import * as Arbitrary from "effect/Arbitrary"
import * as Bytes from "effect/Bytes"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { byte, bytes, headers } from "../../../proxy/test/headers.ts"
import { proxyOf } from "../../src/internal/proxy/proxiedStream.ts"
import { readHeader } from "../../src/internal/proxy/readHeader.ts"
import { throughProxy } from "../../src/internal/proxy/tlsThroughProxy.ts"

const address = NetAddress.inetAddressFromIpStringUnsafe("192.0.2.1", 1)

/** A stream that delivers what it is given, from one buffer that it writes over after each call. */
class Script implements Transport.StreamTransport {
  readonly localAddress = address
  readonly remoteAddress = address
  readonly #chunks: Array<Uint8Array>
  readonly #buffer = new Uint8Array(4096)
  readonly #last: "end" | "error" | "close"
  #receiver: Transport.StreamReceiver | undefined
  #flowing = true
  #busy = false
  resets = 0

  constructor(chunks: ReadonlyArray<Uint8Array>, last: "end" | "error" | "close") {
    this.#chunks = [...chunks]
    this.#last = last
  }

  start(receiver: Transport.StreamReceiver): void {
    assert.isUndefined(this.#receiver, "it is started once")
    this.#receiver = receiver
  }

  /** How many chunks it has not delivered. */
  get left(): number {
    return this.#chunks.length
  }

  /** Delivers as much as is wanted. */
  run(): void {
    const receiver = this.#receiver
    if (receiver === undefined || this.#busy) return
    this.#busy = true
    while (this.#flowing) {
      const chunk = this.#chunks.shift()
      if (chunk === undefined) break
      this.#buffer.set(chunk)
      this.#flowing = receiver.onData(this.#buffer.subarray(0, chunk.length))
      this.#buffer.fill(0xee)
    }
    if (this.#flowing && this.#chunks.length === 0) {
      this.#flowing = false
      if (this.#last === "end") receiver.onEnd()
      else if (this.#last === "error") receiver.onError(broken)
      else receiver.onClose()
    }
    this.#busy = false
  }

  /** Breaks, whether anything is wanted or not. */
  break(): void {
    this.#chunks.length = 0
    this.#flowing = false
    this.#receiver?.onError(broken)
    this.#receiver?.onClose()
  }

  resume(): void {
    this.#flowing = true
  }

  keep(chunk: Uint8Array): Uint8Array {
    return chunk.slice()
  }

  dedicate(): boolean {
    return true
  }

  write(): boolean {
    return true
  }

  end(): void {}

  destroy(): void {}

  reset(): void {
    this.resets++
  }
}

const broken = NetworkError.make("read", "192.0.2.1:1", new NetworkError.ConnectionReset())

const trust = { isTrusted: () => true, timeout: 1000, limit: ProxyProtocol.maxLimit }

/** What a receiver gets that pauses after every `count` chunks, until it is asked again. */
const listen = (stream: Transport.StreamTransport, script: Script, patience: number) => {
  const chunks: Array<Uint8Array> = []
  const heard: { flowing: boolean; last?: string } = { flowing: true }
  stream.start({
    onData: (chunk) => {
      assert.isTrue(heard.flowing, "nothing comes that is not wanted")
      assert.isUndefined(heard.last, "nothing comes behind the end")
      chunks.push(chunk.slice())
      return heard.flowing = chunks.length % patience !== 0
    },
    onEnd: () => {
      heard.last = "end"
    },
    onFlushed: () => {},
    onError: () => {
      heard.last = "error"
    },
    onClose: () => {
      heard.last ??= "close"
    }
  })
  for (let turns = 0; turns < 1000 && heard.last === undefined; turns++) {
    script.run()
    if (heard.flowing) continue
    heard.flowing = true
    stream.resume()
  }
  return { bytes: Bytes.concat(chunks) as Uint8Array, last: heard.last }
}

describe("the opening of a stream", () => {
  it.prop("hands on what is behind the header, and nothing else, whatever comes when", [
    headers,
    bytes(300),
    Arbitrary.array(byte, { minLength: 1, maxLength: 8 }),
    byte
  ], ([header, rest, cuts, choice]) => {
    const input = Bytes.concat([Result.getOrThrow(ProxyProtocol.encode(header)), rest])
    const ends = [...cuts.map((cut) => cut * 7919 % input.length), input.length].toSorted((a, b) => a - b)
    const chunks: ReadonlyArray<Uint8Array> = ends.map((end, index) => input.subarray(ends[index - 1] ?? 0, end))
      .filter((each) => each.length > 0)
    const last = (["end", "error", "close"] as const)[choice % 3]!
    const script = new Script(chunks, last)
    const fiber = Effect.runFork(readHeader(trust)(script))
    script.run()
    if (choice % 2 === 0) script.run()
    const stream = Effect.runSync(Fiber.join(fiber))
    assert.deepStrictEqual(proxyOf(stream)?.header, header)
    assert.deepStrictEqual(listen(stream, script, 1 + choice % 3), { bytes: rest, last })
    assert.strictEqual(script.resets, 0)
  }, { arbitrary: { runs: 1000, seed: 1, size: 400 } })

  const line = new TextEncoder().encode("PROXY UNKNOWN\r\nhello")

  it("keeps what broke it for who listens next, behind what had come", () => {
    const script = new Script([line], "end")
    const fiber = Effect.runFork(readHeader(trust)(script))
    script.run()
    script.break()
    const stream = Effect.runSync(Fiber.join(fiber))
    const heard = listen(stream, script, 100)
    assert.deepStrictEqual(heard, { bytes: line.slice(-5), last: "error" })
  })

  it("gives the stream beneath to TLS, with what is behind the header, and puts its addresses over the outcome", () => {
    const first = new TextEncoder().encode("PROXY TCP4 198.51.100.7 203.0.113.1 50412 443\r\nhello")
    const script = new Script([first], "end")
    const fiber = Effect.runFork(readHeader(trust)(script))
    script.run()
    const session = { protocol: "TLSv1.3" } as Tls.Session
    const context = throughProxy({
      handshake: (transport, peer) => {
        assert.strictEqual(transport, script)
        assert.deepStrictEqual(peer, { address: "198.51.100.7:50412", unread: first.slice(-5) })
        return Effect.succeed(Object.assign(new Script([], "end"), { tls: session }))
      }
    })
    const stream = Effect.runSync(
      Effect.flatMap(Fiber.join(fiber), (stream) => context.handshake(stream, { address: "198.51.100.7:50412" }))
    )
    assert.strictEqual(stream.tls, session)
    assert.strictEqual(NetAddress.formatSocketAddress(stream.remoteAddress), "198.51.100.7:50412")
    assert.strictEqual(NetAddress.formatSocketAddress(stream.localAddress), "203.0.113.1:443")
    assert.deepStrictEqual(proxyOf(stream)?.remoteAddress, address)
  })

  it("is not followed by a handshake when it broke", () => {
    const script = new Script([line], "end")
    const fiber = Effect.runFork(readHeader(trust)(script))
    script.run()
    script.break()
    const context = throughProxy({ handshake: () => assert.fail("there is nobody to shake hands with") })
    const handshake = context.handshake(Effect.runSync(Fiber.join(fiber)), { address: "192.0.2.1:1" })
    assert.strictEqual(Effect.runSync(Effect.flip(handshake)), broken)
  })

  it("takes nothing behind what is none", () => {
    const script = new Script([new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), line], "end")
    const fiber = Effect.runFork(Effect.flip(readHeader(trust)(script)))
    for (let turns = 0; turns < 3; turns++) script.run()
    assert.strictEqual(Effect.runSync(Fiber.join(fiber)).reason._tag, "InvalidProxyHeader")
    assert.deepStrictEqual([script.resets, script.left], [1, 1])
  })

  it.prop("refuses what is none, once, with a typed error and a reset", [bytes(60), byte], ([input, choice]) => {
    const script = new Script(input.length === 0 ? [] : [input], (["end", "error", "close"] as const)[choice % 3]!)
    const fiber = Effect.runFork(Effect.flip(readHeader(trust)(script)))
    for (let turns = 0; turns < 3; turns++) script.run()
    assert.isTrue(NetworkError.isNetworkError(Effect.runSync(Fiber.join(fiber))))
    assert.strictEqual(script.resets, 1)
  }, { arbitrary: { runs: 300, seed: 2 } })
})
