/** Chat servers as processes, with Redis itself as the engine, and all of them killed in a flood. */
import { describe, expect, it } from "@effect/vitest"
import * as Net from "node:net"
import { join } from "node:path"
import { folder } from "../folder.ts"
import { isThere, type Program, spawn, start, stop } from "../program.ts"

const hasRedis = isThere("redis-server", "--version")
// 600 for longer.
const count = Number(process.env["SLUICE_ROOM_CLIENTS"] ?? 24)
const linesEach = 10

/** Redis, which writes everything to disk before it answers, and can be started again. */
const startRedis = async (at: string): Promise<Program> => {
  const path = join(at, "redis.sock")
  const persistence = "--save  --appendonly yes --appendfsync always".split(" ")
  const server = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--dir", at, ...persistence])
  await server.says(/ready to accept connections/i)
  return server
}

interface Client {
  readonly name: string
  readonly socket: Net.Socket
  /** All lines of the room, as they came. */
  readonly said: Array<string>
  /** Waits for a line, or for one that begins so. */
  readonly until: (line: string) => Promise<void>
  isBroken: boolean
}

const connect = async (port: number, name: string): Promise<Client> => {
  let rest = ""
  const heard = new Set<string>()
  const waiting = new Map<string, () => void>()
  const socket = Net.connect(port, "127.0.0.1")
  const client: Client = {
    name,
    socket,
    said: [],
    until: (line) => heard.has(line) ? Promise.resolve() : new Promise((resolve) => waiting.set(line, resolve)),
    isBroken: false
  }
  socket.on("error", () => {})
  socket.on("close", () => {
    client.isBroken = true
  })
  socket.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split(/\r?\n/)
    rest = lines.pop()!
    for (const line of lines) {
      const key = line.startsWith("-- in ") ? "-- in " : line
      heard.add(key)
      if (line.startsWith("<")) client.said.push(line)
      waiting.get(key)?.()
    }
  })
  socket.write(`/nick ${name}\n/join lobby\n`)
  await client.until("-- in ")
  return client
}

describe.skipIf(!hasRedis)("chat servers over Redis", () => {
  it("tell all the same, once and in one order, while the engine, a server and a worker are killed", async () => {
    const at = folder()
    let engine = await startRedis(at)
    const redis = `unix://${join(at, "redis.sock")}`
    const options = `chat server --port 0 --refill 0s --accept-rate 1000 --queue 100000 --redis ${redis}`
    const programs = [start(options), start(options), start(`${options} --workers 2 --drain 1s`)] as const
    const ports = await Promise.all(programs.map(async ({ says }) => {
      const [, port] = await says(/^Server listening on .*:(\d+)$/m)
      return Number(port)
    }))
    const [, worker] = await programs[2].says(/^Workers: 1 \(pid (\d+)\)/m)
    // Before all are there, nothing is said: all who stay hear the same.
    const clients = await Promise.all(
      Array.from({ length: count }, (_, index) => connect(ports[index % 3]!, `c${index}`))
    )

    const trouble = [
      () => engine.child.kill("SIGKILL"),
      async () => {
        engine = await startRedis(at)
      },
      () => programs[1].child.kill("SIGKILL"),
      () => engine.child.kill("SIGSTOP"),
      () => engine.child.kill("SIGCONT"),
      () => process.kill(Number(worker), "SIGKILL"),
      () => programs[2].child.kill("SIGHUP"),
      () => {}
    ]
    for (let line = 0; line < linesEach; line++) {
      for (const { isBroken, name, socket } of clients) if (!isBroken) socket.write(`${name} ${line}\n`)
      await trouble[line]?.()
      // The first client's own line comes back when the engine is there.
      const isAway = engine.child.killed && line === 0 || line === 3
      if (!isAway) await clients[0]!.until(`<c0> c0 ${line}`)
    }
    // Each of those who stay has heard the last line of each of them.
    const staying = clients.filter((_, index) => index % 3 === 0)
    for (const { until } of staying) {
      for (const { name } of staying) await until(`<${name}> ${name} ${linesEach - 1}`)
    }

    // One order: what follows may be on its way to some.
    const first = staying.map(({ said }) => said).toSorted((a, b) => b.length - a.length)[0]!
    const places = new Map(first.map((line, index) => [line, index]))
    expect(places.size).toBe(first.length)
    for (const { name, said } of staying) {
      expect(said).toEqual(first.slice(0, said.length))
      const own = said.filter((line) => line.startsWith(`<${name}> `))
      expect(own).toEqual(Array.from({ length: linesEach }, (_, line) => `<${name}> ${name} ${line}`))
    }
    // What came to people of the servers that were killed came to those who stay, in the same order, and once.
    for (const { isBroken, said } of clients) {
      const order = said.map((line) => places.get(line) ?? first.length)
      expect(order).toEqual(order.toSorted((a, b) => a - b))
      expect(new Set(said).size).toBe(said.length)
      const unknown = said.filter((line) => !places.has(line))
      expect(isBroken ? unknown : []).toEqual([])
    }
    for (const { socket } of clients) socket.destroy()
    expect((await stop(programs[0])).code).toBe(0)
    expect((await stop(programs[2])).code).toBe(0)
  })
})
