/** What the documentation says of datagram sockets, for a network that loses nothing on the way to itself. */
import type * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { bounded, type Check, check, expect, expectBytes, expectEqual, expectFailed, expectFailure } from "../Check.ts"
import { randomBytes, randomPause, text, utf8 } from "./pair.ts"

/**
 * What the datagram checks need to know of a network.
 *
 * @since 0.1.0
 * @category models
 */
export interface DatagramSubject {
  /** Where to bind: for each call an endpoint that nobody uses, such as `udp://127.0.0.1:0`. */
  readonly endpoint: () => Endpoint.Input
  /** Whether a connected socket hears that nobody is at its peer's address, by ICMP (RFC 1122, section 4.1.3.3). */
  readonly refuses: boolean
  /** The largest payload in bytes that arrives in one piece. Default: 8 KiB. */
  readonly largest?: number | undefined
}

export const datagramLaws = (subject: DatagramSubject): ReadonlyArray<Check> => [
  check(
    "D",
    "a datagram arrives, with where it came from, and can be answered",
    Effect.gen(function*() {
      const [near, far] = yield* bindTwo(subject)
      yield* UdpSocket.send(near, "question", far.address)
      const question = yield* UdpSocket.receive(far)
      yield* expectEqual("the question", text(question.payload), "question")
      yield* expectEqual("its source", NetAddress.formatInet(question.source), NetAddress.formatInet(near.address))
      yield* UdpSocket.reply(far, question, utf8("answer"))
      const answer = yield* UdpSocket.receive(near)
      yield* expectEqual("the answer", text(answer.payload), "answer")
      yield* expectEqual("its source", NetAddress.formatInet(answer.source), NetAddress.formatInet(far.address))
    })
  ),

  check(
    "D",
    "a destination may be text",
    Effect.gen(function*() {
      const [near, far] = yield* bindTwo(subject)
      yield* UdpSocket.send(near, "hello", NetAddress.formatInet(far.address))
      yield* expectEqual("the datagram", text((yield* UdpSocket.receive(far)).payload), "hello")
    })
  ),

  check(
    "D",
    "boundaries are kept, empty datagrams too",
    Effect.gen(function*() {
      const [near, far] = yield* bindTwo(subject)
      const largest = subject.largest ?? 8 * 1024
      for (const size of [1, 0, 0, largest, 2, largest - 1]) {
        const payload = yield* randomBytes(size)
        yield* UdpSocket.send(near, payload, far.address)
        yield* expectBytes(`a datagram of ${size} bytes`, (yield* UdpSocket.receive(far)).payload, payload)
      }
      for (const size of [3, 0, 5]) yield* UdpSocket.send(near, yield* randomBytes(size), far.address)
      const sizes = [yield* UdpSocket.receive(far), yield* UdpSocket.receive(far), yield* UdpSocket.receive(far)]
      yield* expectEqual("sizes", sizes.map(({ payload }) => payload.length).join(), "3,0,5")
    })
  ),

  check(
    "D",
    "a payload is free again when send returns, and one that was received is never written to again",
    Effect.gen(function*() {
      const [near, far] = yield* bindTwo(subject)
      const payload = new Uint8Array(1000)
      const kept: Array<Uint8Array> = []
      for (let round = 1; round <= 50; round++) {
        payload.fill(round)
        yield* UdpSocket.send(near, payload, far.address)
        payload.fill(0)
        kept.push((yield* UdpSocket.receive(far)).payload)
      }
      for (const [index, each] of kept.entries()) {
        yield* expectBytes("a datagram", each, new Uint8Array(1000).fill(index + 1))
      }
    })
  ),

  check(
    "D",
    "many datagrams come in order through a Stream",
    Effect.gen(function*() {
      const [near, far] = yield* bindTwo(subject)
      const count = 200
      const receiving = yield* Effect.forkScoped(
        Stream.runCollect(Stream.take(UdpSocket.datagrams(far), count)),
        { startImmediately: true }
      )
      for (let index = 0; index < count; index++) yield* UdpSocket.send(near, String(index), far.address)
      const got = yield* Fiber.join(receiving)
      yield* expectEqual(
        "the datagrams",
        got.map(({ payload }) => text(payload)).join(),
        Array.from({ length: count }, (_, index) => index).join()
      )
    })
  ),

  check(
    "D",
    "receiveAll gives what has come, or waits for one",
    Effect.gen(function*() {
      const [near, far] = yield* bindTwo(subject)
      const waiting = yield* Effect.forkScoped(UdpSocket.receiveAll(far), { startImmediately: true })
      yield* UdpSocket.send(near, "0", far.address)
      let got = (yield* Fiber.join(waiting)).map(({ payload }) => text(payload))
      for (let index = 1; index <= 10; index++) yield* UdpSocket.send(near, String(index), far.address)
      while (got.length < 11) got = got.concat((yield* UdpSocket.receiveAll(far)).map(({ payload }) => text(payload)))
      yield* expectEqual("the datagrams", got.join(), "0,1,2,3,4,5,6,7,8,9,10")
    })
  ),

  ...(["dropNewest", "dropOldest"] as const).map((queueOverflow) =>
    check(
      "D",
      `a queue that is full counts what it drops, with ${queueOverflow}`,
      Effect.gen(function*() {
        const near = yield* Network.bind(subject.endpoint())
        const far = yield* Network.bind(subject.endpoint(), { queueCapacity: 3, queueOverflow })
        for (let index = 0; index < 10; index++) yield* UdpSocket.send(near, String(index), far.address)
        const moment = yield* elsewhere(subject)
        while (UdpSocket.dropped(far) < 7) yield* moment
        const kept = (yield* UdpSocket.receiveAll(far)).map(({ payload }) => text(payload))
        yield* expectEqual("what was kept", kept.join(), queueOverflow === "dropNewest" ? "0,1,2" : "7,8,9")
        yield* UdpSocket.send(near, "more", far.address)
        yield* expectEqual("what comes next", text((yield* UdpSocket.receive(far)).payload), "more")
        yield* expectEqual("dropped", UdpSocket.dropped(far), 7)
      })
    )
  ),

  check(
    "D",
    "an interrupted receive loses nothing",
    Effect.gen(function*() {
      const [near, far] = yield* bindTwo(subject)
      const count = 200
      yield* Effect.forkScoped(
        Effect.forEach(
          Array.from({ length: count }),
          (_, index) => Effect.andThen(UdpSocket.send(near, String(index), far.address), Effect.yieldNow)
        )
      )
      const pause = randomPause(yield* elsewhere(subject))
      const got: Array<string> = []
      while (got.length < count) {
        const fiber = yield* Effect.forkScoped(UdpSocket.receive(far), { startImmediately: true })
        yield* pause
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        if (Exit.isSuccess(exit)) got.push(text(exit.value.payload))
      }
      yield* expectEqual("the datagrams", got.join(), Array.from({ length: count }, (_, index) => index).join())
    })
  ),

  check(
    "D",
    "closing fails everything that waits, and everything later, with Closed",
    Effect.gen(function*() {
      const near = yield* Network.bind(subject.endpoint())
      const scope = yield* Scope.make()
      const far = yield* Scope.provide(Network.bind(subject.endpoint()), scope)
      const address = NetAddress.formatInet(far.address)
      const waiting = yield* Effect.forEach([
        UdpSocket.receive(far),
        UdpSocket.receiveAll(far),
        Stream.runDrain(UdpSocket.datagrams(far))
      ], (effect) => Effect.forkScoped(Effect.asVoid(effect), { startImmediately: true }))
      yield* bounded("closing", "10 seconds", Scope.close(scope, Exit.void))
      for (const fiber of waiting) yield* expectFailed("a receiver", yield* Fiber.await(fiber), "Closed")
      yield* expectFailure("receive", UdpSocket.receive(far), "Closed")
      yield* expectFailure("receiveAll", UdpSocket.receiveAll(far), "Closed")
      yield* expectFailure("datagrams", Stream.runDrain(UdpSocket.datagrams(far)), "Closed")
      yield* expectFailure("send", UdpSocket.send(far, "late", near.address), "Closed")
      yield* expectEqual("its address", NetAddress.formatInet(far.address), address)
      // The address is free again.
      yield* Network.bind(`udp://${address}`)
    })
  ),

  check(
    "D",
    "a socket that is closed in every way frees its address",
    Effect.gen(function*() {
      const { address } = yield* Effect.scoped(Network.bind(subject.endpoint()))
      const binding = Network.bind(`udp://${NetAddress.formatInet(address)}`)
      yield* Effect.exit(Effect.scoped(Effect.andThen(binding, Effect.fail("failed"))))
      yield* Effect.exit(Effect.scoped(Effect.andThen(binding, Effect.die("died"))))
      yield* Effect.exit(Effect.scoped(Effect.raceFirst(Effect.flatMap(binding, UdpSocket.receive), Effect.yieldNow)))
      yield* Effect.exit(Effect.scoped(Effect.andThen(binding, Effect.interrupt)))
      yield* binding
    })
  ),

  check(
    "D",
    "an address that is taken is AddressInUse",
    Effect.gen(function*() {
      const first = yield* Network.bind(subject.endpoint())
      const endpoint = `udp://${NetAddress.formatInet(first.address)}`
      yield* expectFailure("binding", Effect.scoped(Network.bind(endpoint)), "AddressInUse")
    })
  ),

  check(
    "D",
    "a connected socket talks to its peer only",
    Effect.gen(function*() {
      const peer = yield* Network.bind(subject.endpoint())
      const stranger = yield* Network.bind(subject.endpoint())
      const connected = yield* Network.bind(subject.endpoint(), {
        peer: `udp://${NetAddress.formatInet(peer.address)}`
      })
      yield* UdpSocket.send(connected, "question")
      const question = yield* UdpSocket.receive(peer)
      yield* UdpSocket.send(stranger, "unasked", connected.address)
      yield* UdpSocket.reply(peer, question, "answer")
      const answer = yield* UdpSocket.receive(connected)
      yield* expectEqual("what came first", text(answer.payload), "answer")
      yield* UdpSocket.reply(connected, answer, "thanks")
      yield* expectEqual("the reply", text((yield* UdpSocket.receive(peer)).payload), "thanks")
    })
  ),

  ...(subject.refuses ?
    [check(
      "D",
      "a connected socket reports that no socket is there, and still works",
      Effect.gen(function*() {
        const { address } = yield* Effect.scoped(Network.bind(subject.endpoint()))
        const endpoint = `udp://${NetAddress.formatInet(address)}`
        const connected = yield* Network.bind(subject.endpoint(), { peer: endpoint })
        const receiving = yield* Effect.forkScoped(UdpSocket.receive(connected), { startImmediately: true })
        yield* UdpSocket.send(connected, "anybody?")
        yield* expectFailed(
          "receive",
          yield* bounded("receive", "10 seconds", Fiber.await(receiving)),
          "ConnectionRefused"
        )
        // A socket is bound there.
        const peer = yield* Network.bind(endpoint)
        yield* UdpSocket.send(connected, "and now?")
        const datagram = yield* UdpSocket.receive(peer)
        yield* expectEqual("the datagram", text(datagram.payload), "and now?")
        yield* UdpSocket.reply(peer, datagram, "yes")
        yield* expectEqual("the answer", text((yield* UdpSocket.receive(connected)).payload), "yes")
      })
    )] :
    []),

  check(
    "D",
    "an invalid destination is a typed error",
    Effect.gen(function*() {
      const [near, far] = yield* bindTwo(subject)
      for (const destination of ["", "nowhere", "name.example:1", "127.0.0.1", "127.0.0.1:65536", "[::1:5"]) {
        yield* expectFailure(`to "${destination}"`, UdpSocket.send(near, "x", destination), "InvalidEndpoint")
      }
      yield* expectFailure("to nobody", UdpSocket.send(near, "x"), "InvalidOption")
      yield* UdpSocket.send(near, "unaffected", far.address)
      yield* expectEqual("the next", text((yield* UdpSocket.receive(far)).payload), "unaffected")
    })
  ),

  check(
    "D",
    "a datagram that is too large is MessageTooLarge",
    Effect.gen(function*() {
      const [near, far] = yield* bindTwo(subject)
      const error = yield* expectFailure(
        "send",
        UdpSocket.send(near, new Uint8Array(65_536), far.address),
        "MessageTooLarge"
      )
      const digits = error.message.replaceAll(",", "")
      yield* expect(digits.includes("65536"), `the message does not say how large: ${error.message}`)
      yield* UdpSocket.send(near, "unaffected", far.address)
      yield* expectEqual("the next", text((yield* UdpSocket.receive(far)).payload), "unaffected")
    })
  )
]

/** Gives a moment: a wait for a datagram to go back and forth between two other sockets. */
const elsewhere = (subject: DatagramSubject) =>
  Effect.map(bindTwo(subject), ([near, far]) =>
    Effect.gen(function*() {
      yield* UdpSocket.send(near, "there", far.address)
      yield* UdpSocket.reply(far, yield* UdpSocket.receive(far), "back")
      yield* UdpSocket.receive(near)
    }))

const bindTwo = (subject: DatagramSubject) =>
  Effect.all([Network.bind(subject.endpoint()), Network.bind(subject.endpoint())])
