import { describe, expect, it } from "@effect/vitest"
import type * as Net from "node:net"
import { connect, once, serve, start, stop } from "./program.ts"

/** A connection that the server has accepted: closing resets those that wait in the kernel's backlog. */
const serving = async (port: number): Promise<Net.Socket> => {
  const socket = await connect({ port })
  socket.write("are you there?")
  await once(socket, "data")
  return socket
}

/** Sends and gets back one message after the other until it is told to finish, and says how that went. */
const pingPong = async (port: number) => {
  const socket = await serving(port)
  let count = 0
  let isLast = false
  const ended = new Promise<{ readonly count: number; readonly how: string }>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      if (chunk.toString() !== `ping ${count}`) return resolve({ count, how: `got "${chunk}" for "ping ${count}"` })
      count++
      if (isLast) socket.end()
      else socket.write(`ping ${count}`)
    })
    socket.once("end", () => resolve({ count, how: isLast ? "finished" : "ended by the server" }))
    socket.once("error", (error: NodeJS.ErrnoException) => resolve({ count, how: String(error.code) }))
  })
  socket.write("ping 0")
  return {
    ended,
    finish: () => {
      isLast = true
      return ended
    }
  }
}

describe.each(["SIGHUP", "SIGINT", "SIGTERM"] as const)("%s", (signal) => {
  const code = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal]

  it("ends a server on which nothing is open at once", async () => {
    const names = ["hello server", "echo server", "udp server", "udp echo"]
    const servers = await Promise.all(names.map((name) => serve(`${name} --drain 60s`)))
    for (const ended of await Promise.all(servers.map((server) => stop(server, signal)))) {
      expect(ended).toMatchObject({ code: 0, stderr: "" })
    }
  })

  it("ends idle connections, waits for busy ones, and takes no new ones", async () => {
    const server = await serve("echo server --drain 20s")
    const idle = await serving(server.port)
    const busy = await pingPong(server.port)
    server.child.kill(signal)
    idle.resume()
    await once(idle, "end")
    idle.end()
    await expect(connect({ port: server.port })).rejects.toMatchObject({ code: "ECONNREFUSED" })
    const { count, how } = await busy.finish()
    expect(how).toBe("finished")
    expect(count).toBeGreaterThan(1)
    const ended = await server.ended
    expect(ended.code).toBe(0)
    expect(ended.stderr).toMatch(
      /^[^\n]* INFO draining: 2 connections open, up to 20 s [^\n]*\n[^\n]* INFO [^\n]*2 connections ended, 0 cut[^\n]*\n$/
    )
  })

  it("cuts what is still busy when the grace period is over", async () => {
    const server = await serve("echo server --drain 2s")
    const busy = await pingPong(server.port)
    server.child.kill(signal)
    expect((await busy.ended).how).toBe("ECONNRESET")
    const ended = await server.ended
    expect(ended.code).toBe(0)
    expect(ended.stderr).toMatch(
      /^[^\n]* INFO draining: 1 connection open, up to 2 s [^\n]*\n[^\n]* INFO [^\n]*0 connections ended, 1 cut[^\n]*\n$/
    )
  })

  it("ends at once when it comes twice", async () => {
    const server = await serve("echo server --drain 60m")
    const idle = await serving(server.port)
    const busy = await pingPong(server.port)
    server.child.kill(signal)
    idle.resume()
    await once(idle, "end")
    server.child.kill(signal)
    expect((await server.ended).code).toBe(code)
    // The system resets it if there was something to read, and else ends it.
    expect((await busy.ended).how).not.toBe("finished")
  })

  it("ends a client", async () => {
    const server = await serve("echo server")
    const client = start(`echo client --port ${server.port}`)
    client.child.stdin.write("hello")
    await client.says(/hello/)
    expect(await stop(client, signal)).toMatchObject({ code, stdout: "hello", stderr: "" })
  })
})
