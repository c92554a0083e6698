import { assert, describe, it } from "@effect/vitest"
import type * as Transport from "@sluice/core/Transport"
import { ForwardedStream } from "../../src/internal/proxy/forwardedStream.ts"
import { ReplayStream } from "../../src/internal/proxy/replayStream.ts"
import { FakeTransport } from "../connection/FakeTransport.ts"

/** Notes what it receives, and takes as many chunks at a time as it is told. */
class Notes implements Transport.StreamReceiver {
  readonly events: Array<string> = []
  wants = Infinity

  onData(chunk: Uint8Array): boolean {
    this.events.push(`data ${chunk}`)
    return --this.wants > 0
  }
  onEnd(): void {
    this.events.push("end")
  }
  onFlushed(): void {
    this.events.push("flushed")
  }
  onError(): void {
    this.events.push("error")
  }
  onClose(): void {
    this.events.push("close")
  }
}

describe("a stream behind a PROXY header", () => {
  it("passes all that is asked of it to the stream beneath, and gives its answers", () => {
    const beneath = new FakeTransport({ lends: true })
    const notes = new Notes()
    const stream = new ForwardedStream(beneath)
    stream.start(notes)
    assert.strictEqual(beneath.receiver, notes)
    beneath.isFlowing = false
    stream.resume()
    assert.deepStrictEqual([beneath.isFlowing, stream.dedicate(), beneath.isDedicated], [true, true, true])
    const chunk = Uint8Array.of(1)
    assert.notStrictEqual(stream.keep(chunk), chunk)
    for (const takes of [true, false]) {
      beneath.takes = takes
      assert.strictEqual(stream.write([chunk]), takes)
    }
    stream.end()
    stream.destroy()
    stream.reset()
    assert.deepStrictEqual(beneath.calls, ["write", "write", "end", "destroy", "reset"])
    assert.strictEqual(stream.unacknowledged, beneath.unacknowledged)
    assert.deepStrictEqual([stream.localAddress, stream.remoteAddress], [beneath.localAddress, beneath.remoteAddress])
  })
})

describe("a stream that is started again behind its opening", () => {
  it("answers for the receiver that it is started for within the call of its opening", () => {
    for (const wants of [1, Infinity]) {
      const beneath = new FakeTransport({ lends: true })
      const notes = new Notes()
      notes.wants = wants
      const opening = new Notes()
      opening.onData = (chunk) => {
        stream.leave(chunk.subarray(1))
        stream.letGo()
        stream.start(notes)
        return false
      }
      const stream = new ReplayStream(beneath, opening)
      stream.begin()
      beneath.deliver(Uint8Array.of(1, 2))
      assert.deepStrictEqual([notes.events, beneath.isFlowing], [["data 2"], wants > 1])
    }
  })

  it("gives what was left in order, as it is wanted, and its end once", () => {
    const beneath = new FakeTransport({ lends: true })
    const stream = new ReplayStream(beneath, new Notes())
    stream.begin()
    stream.leave(Uint8Array.of(1))
    stream.letGo()
    beneath.deliver(Uint8Array.of(2))
    beneath.receiver!.onEnd()
    const notes = new Notes()
    notes.wants = 1
    stream.start(notes)
    assert.deepStrictEqual(notes.events, ["data 1"])
    notes.wants = Infinity
    stream.resume()
    assert.deepStrictEqual(notes.events, ["data 1", "data 2", "end"])
    stream.resume()
    stream.resume()
    assert.deepStrictEqual(notes.events, ["data 1", "data 2", "end"])
  })
})
