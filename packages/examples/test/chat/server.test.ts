/** The server as a process: plain clients, its death in the midst of a flood, thousands of clients, and hostile ones. */
import { describe, expect, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { createCipheriv } from "node:crypto"
import * as Net from "node:net"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileOf, folder } from "../folder.ts"
import { connect, isThere, main, node, run, serve, spawn, start, stop } from "../program.ts"

const hasNc = isThere("nc", "-h")
const isFull = process.env["SLUICE_SCALE"] === "full"

/** A plain client: it sends text, and keeps what comes. */
const talk = async (options: Net.NetConnectOpts) => {
  const socket = await connect(options)
  let heard = ""
  let look = () => {}
  socket.setEncoding("utf8")
  socket.on("data", (text: string) => {
    heard += text
    look()
  })
  socket.on("error", () => {})
  const ended = new Promise<string>((resolve) => socket.once("close", () => resolve(heard)))
  socket.on("end", () => socket.end())
  return {
    socket,
    say: (...lines: ReadonlyArray<string>) => socket.write(lines.map((line) => `${line}\n`).join("")),
    /** Waits until it has heard this text, or this many characters. */
    hears: (what: string | number) =>
      new Promise<string>((resolve, reject) => {
        look = () => {
          if (typeof what === "number" ? heard.length >= what : heard.includes(what)) resolve(heard)
        }
        look()
        void ended.then(() => reject(new Error(`it ended before it said ${what}: ${heard.slice(-500)}`)))
      }),
    /** All that it has heard, once the server has hung up. */
    ended
  }
}

const enter = async (options: Net.NetConnectOpts, name: string, room: string) => {
  const client = await talk(options)
  client.say(`/nick ${name}`, `/join ${room}`, "/ping in")
  await client.hears("-- pong in\n")
  return client
}

describe("chat server", () => {
  it.skipIf(!hasNc)("is talked to with nc", async () => {
    const { port } = await serve("chat server")
    const nc = (name: string) => {
      const program = spawn("nc", ["127.0.0.1", String(port)])
      program.child.stdin.write(`/nick ${name}\n/join lobby\n`)
      return program
    }
    const alice = nc("alice")
    await alice.says(/^-- in lobby: alice$/m)
    const bob = nc("bob")
    await alice.says(/^-- bob joined$/m)
    bob.child.stdin.end("grüß dich, alice\n/msg alice psst\n/quit\n")
    await alice.says(/^<bob> grüß dich, alice\n\[from bob\] psst\n-- bob left \(quit\)$/m)
    expect((await bob.ended).stdout).toMatch(/<bob> grüß dich, alice\n\[to alice\] psst\n-- goodbye\n$/)
  })

  it("listens on a Unix-domain socket, greets, and says farewell", async () => {
    const path = join(folder(), "chat.sock")
    const motd = fileOf("motd", "Welcome.\n\x1b[31mBe kind.\n")
    const server = start(["chat", "server", "--unix", path, "--motd", motd])
    await server.says(/listening/)
    const alice = await enter({ path }, "alice", "lobby")
    const heard = await alice.hears("pong")
    expect(heard).toMatch(/^-- Welcome\.\n-- Be kind\.\n-- you are the 1st here/)
    server.child.kill("SIGTERM")
    expect(await alice.ended).toMatch(/-- the server closes: goodbye\n$/)
    expect(await server.ended).toMatchObject({ code: 0 })
  })

  it("names the file or folder that is not there", async () => {
    const { code, stderr } = await run("chat server --port 0 --motd /nowhere/motd")
    expect(code).toBe(1)
    expect(stderr).toMatch(/^[^\n]*\/nowhere\/motd[^\n]*\n$/)
    const data = await run("chat server --port 0 --data /dev/null/data")
    expect(data.code).toBe(1)
    expect(data.stderr).toMatch(/^[^\n]*\/dev\/null\/data[^\n]*\n$/)
  })

  it("does not share a history with another server", async () => {
    const data = folder()
    await serve(`chat server --data ${data}`)
    const { code, stderr } = await run(`chat server --port 0 --data ${data}`)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^[^\n]*chat\.db is in use \(database is locked\); stop the other server[^\n]*--data\n$/)
  })
})

describe("chat server --data", () => {
  /** What is kept of a room, the oldest first. */
  const kept = (data: string): ReadonlyArray<string> => {
    const database = new DatabaseSync(join(data, "chat.db"))
    try {
      return database.prepare("SELECT text FROM entry ORDER BY id").all().map(({ text }) => String(text))
    } finally {
      database.close()
    }
  }

  it("loses nothing that anybody has seen when it is killed in the midst of a flood", async () => {
    const data = folder()
    for (let round = 0; round < 3; round++) {
      const server = await serve(`chat server --data ${data} --refill 0s --queue 100000`)
      const clients = await Promise.all(
        Array.from({ length: 10 }, (_, index) => enter({ port: server.port }, `c${index}`, "lobby"))
      )
      let number = 0
      const flood = setInterval(() => {
        for (const [index, client] of clients.entries()) {
          client.say(...Array.from({ length: 5 }, () => `${round} ${index} ${number++}`))
        }
      }, 1)
      await clients[0]!.hears(100_000)
      server.child.kill("SIGKILL")
      const heard = await Promise.all(clients.map((client) => client.ended))
      clearInterval(flood)
      await server.ended

      const all = kept(data)
      const said = heard.map((text) =>
        // The last line may be cut off.
        text.slice(0, text.lastIndexOf("\n") + 1).split("\n").flatMap((line) => {
          const [, words] = /^<c\d> (.*)$/.exec(line) ?? []
          return words?.startsWith(`${round} `) ? [words] : []
        })
      )
      const mine = all.filter((text) => text.startsWith(`${round} `))
      expect(new Set(mine).size).toBe(mine.length)
      for (const seen of said) {
        expect(seen.length).toBeGreaterThan(50)
        expect(seen).toEqual(mine.slice(0, seen.length))
      }
    }

    const server = await serve(`chat server --data ${data} --history 100`)
    const late = await enter({ port: server.port }, "late", "LOBBY")
    const heard = await late.hears("pong")
    const shown = heard.split("\n").flatMap((line) => /^\[[\d-]+ [\d:]+\] <c\d> (.*)$/.exec(line)?.[1] ?? [])
    // While a server runs, it has the database for itself.
    await stop(server, "SIGKILL")
    expect(shown).toEqual(kept(data).slice(-100))
  })
})

describe("many clients", () => {
  const rooms = isFull ? 100 : 20
  const count = rooms * 50
  const limit = Number(spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout) || Infinity
  const isEnough = limit >= count + 1000
  if (!isEnough) console.warn(`skipped: ${count} clients, because a process may have ${limit} open files (ulimit -n)`)

  it.skipIf(!isEnough)(`${count} of them talk in ${rooms} rooms, and are told when it closes`, async () => {
    const server = await serve("chat server --refill 0s --drain 2m")
    const clients: Array<Awaited<ReturnType<typeof enter>>> = []
    for (let index = 0; index < count; index += 250) {
      clients.push(
        ...await Promise.all(
          Array.from({ length: 250 }, (_, offset) => {
            const host = `127.0.0.${2 + (index + offset) % 200}`
            return enter(
              { port: server.port, localAddress: host },
              `c${index + offset}`,
              `room${(index + offset) % rooms}`
            )
          })
        )
      )
    }
    for (let room = 0; room < rooms; room++) clients[room]!.say(`hello room ${room}`)
    await Promise.all(clients.map((client, index) => client.hears(`<c${index % rooms}> hello room ${index % rooms}\n`)))
    server.child.kill("SIGTERM")
    for (const heard of await Promise.all(clients.map((client) => client.ended))) {
      expect(heard.endsWith("-- the server closes: goodbye\n")).toBe(true)
    }
    const { stderr } = await server.ended
    expect(stderr).toContain(`${count.toLocaleString("en")} connections ended, 0 cut`)
  })
})

/** How many clients come and go. */
const visits = isFull ? 10_000 : 4_000

/** Says on stderr, when it is sent SIGUSR2, how large the heap is. */
const tellsHeap = `data:text/javascript,${
  encodeURIComponent(`
    let asked = 0
    process.on("SIGUSR2", () => {
      gc()
      process.stderr.write(\`heap \${++asked}: \${process.memoryUsage().heapUsed}\n\`)
    })
  `)
}`

describe("hostile clients", () => {
  const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(200_000))

  it("do not keep it from serving: noise, endless lines, half characters, escapes", async () => {
    const server = await serve("chat server")
    const alice = await enter({ port: server.port }, "alice", "lobby")
    const attacks: ReadonlyArray<Buffer> = [
      noise,
      Buffer.alloc(5_000_000, "x"),
      Buffer.alloc(200_000, "\n"),
      Buffer.alloc(100_000, "\xff\xfd\x01", "latin1"),
      Buffer.from("/nick mallory\n/join lobby\n\xc3\n\xf0\x9f\n\xff\xff\xff\x1b]0;owned\x07\x1b[2Jhi\u202e\n", "latin1")
    ]
    for (const [index, attack] of attacks.entries()) {
      const mallory = await talk({ port: server.port, localAddress: `127.0.0.${2 + index}` })
      mallory.socket.end(attack)
      await mallory.ended
    }
    alice.say("still here", "/ping here")
    const heard = await alice.hears("-- pong here")
    expect(heard).toContain("<alice> still here\n")
    expect(heard).toContain("<mallory> \ufffd\n")
    expect(heard.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u)
    expect((await stop(server)).stderr).not.toMatch(/ERROR|FATAL/)
  })

  it(`do not keep its memory: ${visits} of them come and go`, async () => {
    const server = spawn(node, ["--expose-gc", "--import", tellsHeap, main, "chat", "server", "--port", "0"])
    const port = Number((await server.says(/^Server listening on .*:(\d+)$/m))[1])
    let asked = 0
    /** The heap after a collection, in bytes. */
    const heap = async () => {
      server.child.kill("SIGUSR2")
      return Number((await server.says(new RegExp(`^heap ${++asked}: (\\d+)$`, "m"), "stderr"))[1])
    }
    const alice = await enter({ port }, "alice", "lobby")
    const comeAndGo = async (count: number) => {
      for (let done = 0; done < count; done += 100) {
        await Promise.all(Array.from({ length: 100 }, async (_, index) => {
          const socket = Net.connect({ port, host: "127.0.0.1", localAddress: `127.0.0.${2 + index}` })
          socket.on("error", () => {})
          const closed = new Promise((resolve) => socket.once("close", resolve))
          socket.resume()
          // Some say something, some go in order, and some do not.
          if (index % 3 === 0) socket.end("/nick visitor\n/join den\nhello\n")
          else if (index % 3 === 1) socket.once("data", () => socket.resetAndDestroy())
          else socket.once("data", () => socket.destroy())
          await closed
        }))
      }
    }
    await comeAndGo(2000)
    const before = await heap()
    await comeAndGo(visits)
    alice.say("/rooms", "/who", "/ping here")
    expect(await alice.hears("-- pong here")).toMatch(/-- rooms: lobby \(1\)\n-- in lobby: alice\n-- pong here\n$/)
    // Each takes some kilobytes while it is there.
    expect(await heap() - before).toBeLessThan(visits * 200)
  })
})
