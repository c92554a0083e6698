/** What becomes of a program whose output nobody reads. */
import { describe, expect, it } from "@effect/vitest"
import { once } from "node:events"
import { Writable } from "node:stream"
import { Lines } from "../src/cli/boundedConsole.ts"
import { connect, serve, stop } from "./program.ts"

describe("a program whose output is closed", () => {
  it.each(["hello server", "echo server"])("%s keeps serving, and ends as before", async (program) => {
    const server = await serve(program)
    server.child.stdout.destroy()
    server.child.stderr.destroy()
    for (let count = 0; count < 5; count++) {
      const socket = await connect({ port: server.port })
      socket.end("hello")
      await once(socket, "data")
      socket.resume()
      await once(socket, "close")
    }
    expect(await stop(server)).toMatchObject({ code: 0 })
  })
})

describe("a reader that stalls", () => {
  it("costs a bounded amount of memory, and is told how many lines it missed", async () => {
    const taken: Array<string> = []
    let isStalled = true
    let goOn = () => {}
    const slow = new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        taken.push(chunk as string)
        if (isStalled) goOn = done
        else setImmediate(done)
      }
    })
    const lines = new Lines(slow)
    const count = 20_000
    for (let index = 0; index < count; index++) lines.write(`${index} ${"x".repeat(990)}`)
    expect(slow.writableLength).toBeLessThan(1.1 * 1024 * 1024)
    isStalled = false
    goOn()
    await once(slow, "drain")
    lines.write("after")
    await new Promise<void>((resolve) => slow.end(resolve))
    const whole = taken.length - 2
    expect(whole).toBeLessThan(1200)
    expect(taken.slice(whole)).toEqual([`… ${count - whole} lines were dropped, because nobody read them\n`, "after\n"])
  })

  it("that goes away is forgotten", async () => {
    const gone = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error(), { code: "EPIPE" }))
    })
    const lines = new Lines(gone)
    lines.write("one")
    await once(gone, "error").catch(() => {})
    for (let index = 0; index < 1000; index++) lines.write("more")
    expect(gone.writableLength).toBeLessThan(1000)
  })
})
