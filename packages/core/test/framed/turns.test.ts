import { assert, describe, it } from "@effect/vitest"
import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as Framing from "@sluice/framing/Framing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scheduler from "effect/Scheduler"
import { connect, FakeTransport } from "../connection/FakeTransport.ts"

const utf8 = (text: string) => new TextEncoder().encode(text)
const text = (chunks: ReadonlyArray<Uint8Array>) => chunks.map((chunk) => new TextDecoder().decode(chunk))

/** Serves lines over a transport. A line that is a name of `gates` waits for its gate. */
const serve = Effect.fnUntraced(function*(...gates: ReadonlyArray<string>) {
  const transport = new FakeTransport()
  const connection = connect(transport, { role: "server" })
  const open: Record<string, Deferred.Deferred<void>> = {}
  for (const gate of gates) open[gate] = yield* Deferred.make<void>()
  const handler = Framed.serve(Framing.lines(), (line) =>
    Effect.gen(function*() {
      const gate = open[line]
      if (gate !== undefined) yield* Deferred.await(gate)
      return `${line}!`
    }))
  let tasks = 0
  const scheduler = new Scheduler.MixedScheduler()
  const makeDispatcher = scheduler.makeDispatcher.bind(scheduler)
  scheduler.makeDispatcher = () => {
    const dispatcher = makeDispatcher()
    const scheduleTask = dispatcher.scheduleTask.bind(dispatcher)
    dispatcher.scheduleTask = (task, priority) => {
      tasks++
      scheduleTask(task, priority)
    }
    return dispatcher
  }
  const fiber = yield* Effect.forkChild(handler(connection), { startImmediately: true }).pipe(
    Effect.provideService(Scheduler.Scheduler, scheduler)
  )
  const before = tasks
  const scheduled = () => tasks - before
  const gate = (name: string) => Deferred.doneUnsafe(open[name]!, Effect.void)
  return { transport, connection, fiber, gate, scheduled }
})

describe("handlers that are fibers", () => {
  it.effect("run within the delivery of their messages, with one write", () =>
    Effect.gen(function*() {
      const { transport } = yield* serve()
      transport.deliver(utf8("a\nb\nc\n"))
      assert.deepStrictEqual(text(transport.written), ["a!\nb!\nc!\n"])
      transport.deliver(utf8("d\n"))
      assert.deepStrictEqual(text(transport.written), ["a!\nb!\nc!\n", "d!\n"])
    }))

  it.effect("schedule nothing while they do not wait, and one task for the replies before one that does", () =>
    Effect.gen(function*() {
      const { gate, scheduled, transport } = yield* serve("x")
      transport.deliver(utf8("a\nb\n"))
      transport.deliver(utf8("c\n"))
      assert.strictEqual(scheduled(), 0)
      transport.deliver(utf8("d\nx\ne\nf\n"))
      assert.strictEqual(scheduled(), 0)
      gate("x")
      while (transport.written.length < 4) yield* Effect.yieldNow
      assert.deepStrictEqual(text(transport.written), ["a!\nb!\n", "c!\n", "d!\n", "x!\ne!\nf!\n"])
      assert.strictEqual(scheduled(), 1)
    }))

  it.effect("leave nothing on the stack of the connection's fiber", () =>
    Effect.gen(function*() {
      const { fiber, transport } = yield* serve()
      const frames = () => (fiber as unknown as { readonly _stack: ReadonlyArray<unknown> })._stack.length
      transport.deliver(utf8("a\n"))
      const before = frames()
      for (let message = 0; message < 100; message++) transport.deliver(utf8("b\n"))
      assert.strictEqual(transport.written.length, 101)
      assert.strictEqual(frames(), before)
    }))

  it.effect("hold back no reply when they wait, and none when they wait again", () =>
    Effect.gen(function*() {
      const { gate, transport } = yield* serve("x", "y")
      transport.deliver(utf8("a\nx\nb\ny\nc\n"))
      assert.deepStrictEqual(text(transport.written), ["a!\n"])
      // What comes meanwhile waits.
      transport.deliver(utf8("d\n"))
      assert.isFalse(transport.isFlowing)
      gate("x")
      while (transport.written.length < 2) yield* Effect.yieldNow
      assert.deepStrictEqual(text(transport.written), ["a!\n", "x!\nb!\n"])
      gate("y")
      while (!text(transport.written).join("").includes("d!")) yield* Effect.yieldNow
      assert.strictEqual(text(transport.written).join(""), "a!\nx!\nb!\ny!\nc!\nd!\n")
      transport.deliver(utf8("e\n"))
      assert.strictEqual(text(transport.written).at(-1), "e!\n")
    }))

  it.effect("take no more messages before the peer has taken their replies", () =>
    Effect.gen(function*() {
      const { transport } = yield* serve()
      transport.takes = false
      transport.deliver(utf8("a\nb\n"))
      assert.deepStrictEqual(text(transport.written), ["a!\nb!\n"])
      transport.deliver(utf8("c\n"))
      assert.isFalse(transport.isFlowing)
      transport.takes = true
      transport.flush()
      assert.deepStrictEqual(text(transport.written), ["a!\nb!\n", "c!\n"])
    }))

  it.effect("leave the input to others when they are interrupted, and what was ready is sent", () =>
    Effect.gen(function*() {
      // It waits for a message, in its first handler, and in one that it was woken for.
      for (const deliveries of [["a\nrest"], ["a\nx\nrest"], ["a\n", "x\nrest"]]) {
        const { connection, fiber, transport } = yield* serve("x")
        for (const delivery of deliveries) transport.deliver(utf8(delivery))
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(text(transport.written), ["a!\n"])
        assert.deepStrictEqual(text([Option.getOrThrow(yield* Connection.read(connection))]), ["rest"])
      }
    }))

  it.effect("end with the peer, after the last reply", () =>
    Effect.gen(function*() {
      const { fiber, gate, transport } = yield* serve("x")
      transport.deliver(utf8("a\nx\n"))
      transport.receiver!.onEnd()
      assert.isUndefined(fiber.pollUnsafe())
      gate("x")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(text(transport.written), ["a!\n", "x!\n"])
    }))
})
