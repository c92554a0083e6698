import { once } from "node:events"
import type * as Net from "node:net"
import { setImmediate } from "node:timers/promises"
import { describe, facts, record, thrown } from "./recording.ts"
import type { Stage } from "./stage.ts"

/** Plays, and gives what was seen, in an order that does not depend on the network. */
type Scenario = (stage: Stage) => Promise<ReadonlyArray<unknown>>

interface Play {
  readonly client?: (socket: Net.Socket, log: Array<string>) => void
  readonly server?: (socket: Net.Socket, log: Array<string>) => void
  readonly options?: object
  readonly serverOptions?: Net.ServerOpts
  /** Events that are not recorded, because how often they come depends on the network, or because listening changes what happens. */
  readonly without?: ReadonlyArray<string>
  /** Whether only the client is looked at, because the network decides what the server sees. */
  readonly clientOnly?: true
}

const host = "127.0.0.1"

/** A client and a server that are connected; it is over when both are closed. */
const between = (play: Play): Scenario => async (stage) => {
  const { client, clientOnly = false, options, server, serverOptions, without } = play
  const serverLog: Array<string> = []
  const clientLog: Array<string> = []
  const served = Promise.withResolvers<void>()
  const port = await stage.listen((socket) => {
    record(socket, serverLog, without)
    socket.once("close", () => served.resolve())
    server?.(socket, serverLog)
  }, serverOptions)
  const socket = stage.connect({ port, host, ...options })
  record(socket, clientLog, without)
  const closed = new Promise((resolve) => socket.once("close", resolve))
  client?.(socket, clientLog)
  await closed
  if (clientOnly) return clientLog
  await served.promise
  return [clientLog, serverLog]
}

/** A socket on its own; it is over when it is closed. */
const alone = (act: (socket: Net.Socket, log: Array<string>, stage: Stage) => unknown): Scenario => async (stage) => {
  const socket = stage.create()
  const log = record(socket)
  const closed = new Promise((resolve) => socket.once("close", resolve))
  await act(socket, log, stage)
  await closed
  return log
}

const noting = (log: Array<string>, name: string) => (error?: Error | null) => {
  log.push(`${name} called back ${describe(error ?? "without an error")}`)
}

const coded = (code: string) => Object.assign(new Error("by the test"), { code })

export const scenarios: Record<string, Scenario> = {
  "the client ends, and the server sends back": between({
    client: (socket) => socket.end("hello"),
    server: (socket) => void socket.pipe(socket)
  }),

  "the server ends": between({ server: (socket) => socket.end("bye") }),

  "the server ends at once, and says nothing": between({ server: (socket) => socket.end() }),

  "the server ends first, half-open": between({
    options: { allowHalfOpen: true },
    client: (socket) => socket.on("end", () => socket.end("late")),
    server: (socket) => socket.end("bye")
  }),

  "both are half-open, and the server answers after the client's end": between({
    options: { allowHalfOpen: true },
    serverOptions: { allowHalfOpen: true },
    client: (socket) => socket.end("question"),
    server: (socket) => socket.on("end", () => socket.end("answer"))
  }),

  "the client destroys once it is connected": between({
    client: (socket) => socket.once("connect", () => socket.destroy()),
    server: (socket) => socket.resume()
  }),

  "the client destroys with an error, twice": between({
    client: (socket) => socket.once("data", () => socket.destroy(coded("MINE")).destroy(coded("NOT SEEN"))),
    server: (socket) => socket.write("hello")
  }),

  "the server resets": between({
    client: (socket, log) => {
      socket.write("hello")
      socket.once("close", () => socket.write("late", noting(log, "write")))
    },
    server: (socket) => socket.once("data", () => socket.resetAndDestroy())
  }),

  "the client resets": between({
    client: (socket) => socket.once("data", () => socket.resetAndDestroy()),
    server: (socket) => socket.write("hello")
  }),

  "the client resets before it is connected": between({
    client: (socket) => socket.resetAndDestroy(),
    server: (socket) => socket.resume(),
    clientOnly: true
  }),

  "the client is destroyed soon": between({
    client: (socket) => {
      socket.write("hello")
      socket.destroySoon()
    },
    server: (socket) => void socket.pipe(socket)
  }),

  "it times out, and stays open": between({
    client: (socket) => {
      socket.once("connect", () => socket.setTimeout(30))
      socket.once("timeout", () => {
        socket.setTimeout(0)
        socket.end("after")
      })
    },
    server: (socket) => socket.resume()
  }),

  "input puts the timeout off": between({
    client: (socket) => socket.setTimeout(100_000, () => socket.destroy()),
    server: (socket) => socket.end("in time")
  }),

  "callbacks of writes and of the end come in order": between({
    client: (socket, log) => {
      socket.write("one ", noting(log, "first write"))
      socket.write("two ", "utf8", noting(log, "second write"))
      socket.end("three", noting(log, "end"))
      log.push(facts(socket))
      socket.once("connect", () => log.push(facts(socket)))
    },
    server: (socket) => socket.resume(),
    without: ["data"]
  }),

  "what is written is decoded by its encoding, and read by another": between({
    options: { allowHalfOpen: false },
    client: (socket) => {
      socket.once("connect", () => {
        socket.cork()
        socket.write("68656c6c6f20", "hex")
        socket.write("Z3LDvMOf", "base64")
        socket.write(" caf\u00e9", "latin1")
        socket.write(new Uint8Array([33]))
        socket.uncork()
        socket.end()
      })
    },
    server: (socket) => socket.setEncoding("latin1")
  }),

  "text in several bytes counts as Node counts it": between({
    client: (socket, log) => {
      socket.write("Grüß dich")
      socket.write("più")
      log.push(facts(socket), `${socket.writableHighWaterMark} at most`)
      socket.once("connect", () => socket.end())
    },
    server: (socket) => socket.resume(),
    without: ["data"]
  }),

  "a write after the own end": between({
    client: (socket, log) => {
      socket.once("connect", () => {
        socket.end("bye")
        socket.write("late", noting(log, "write"))
      })
    },
    server: (socket) => socket.resume(),
    without: ["data"]
  }),

  "a write after the peer's end": between({
    client: (socket, log) => {
      socket.on("finish", () => socket.write("late", noting(log, "write")))
    },
    server: (socket) => socket.end("bye")
  }),

  "writes that are waiting when the socket is destroyed": between({
    client: (socket, log) => {
      socket.once("connect", () => {
        socket.write(new Uint8Array(16 * 1024 * 1024), noting(log, "first write"))
        socket.write("hello", noting(log, "second write"))
        socket.destroy()
      })
    },
    serverOptions: { pauseOnConnect: true },
    clientOnly: true
  }),

  "reading by `readable`": between({
    without: ["data", "pause", "resume"],
    client: (socket, log) => {
      socket.on("readable", () => {
        for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) log.push(`read ${chunk}`)
      })
    },
    server: (socket) => socket.end("hello")
  }),

  "reading a number of bytes": between({
    without: ["data", "pause", "resume"],
    client: (socket, log) => {
      socket.on("readable", () => {
        for (let chunk = socket.read(3); chunk !== null; chunk = socket.read(3)) log.push(`read ${chunk}`)
      })
    },
    server: (socket) => socket.end("one two six")
  }),

  "a paused socket gets nothing, and all later": between({
    without: ["data"],
    client: (socket, log) => {
      socket.pause()
      socket.once("connect", async () => {
        for (let turn = 0; turn < 20; turn++) await setImmediate()
        log.push(`paused: ${socket.isPaused()}, flowing: ${socket.readableFlowing}, ended: ${socket.readableEnded}`)
        socket.on("data", (chunk) => log.push(`data ${chunk}`)).resume()
      })
    },
    server: (socket) => socket.end("hello")
  }),

  "a server that pauses what it accepts": between({
    serverOptions: { pauseOnConnect: true },
    without: ["data", "resume", "pause"],
    client: (socket) => socket.end("hello"),
    server: async (socket, log) => {
      for (let turn = 0; turn < 20; turn++) await setImmediate()
      log.push(`paused: ${socket.isPaused()}, ${socket.bytesRead} read`)
      socket.on("data", (chunk) => log.push(`data ${chunk}`)).resume()
    }
  }),

  "reading by iteration": between({
    without: ["data", "pause", "resume"],
    client: async (socket, log) => {
      for await (const chunk of socket) log.push(`got ${chunk}`)
      log.push("no more")
    },
    server: (socket) => socket.end("hello")
  }),

  "bytes that are put back come again": between({
    without: ["data"],
    client: (socket, log) => {
      socket.once("data", (chunk: Buffer) => {
        socket.pause()
        socket.unshift(chunk.subarray(2))
        socket.on("data", (rest) => log.push(`again ${rest}`)).resume()
      })
    },
    server: (socket) => socket.end("hello")
  }),

  "a slow peer holds the writer back": between({
    without: ["data", "pause", "resume", "drain"],
    client: async (socket, log) => {
      const chunk = new Uint8Array(16 * 1024 * 1024)
      await once(socket, "connect")
      log.push(`write answers ${socket.write(chunk)}, needs a drain: ${socket.writableNeedDrain}, ${facts(socket)}`)
      await once(socket, "drain")
      log.push(`drained, ${facts(socket)}`)
      socket.end()
    },
    server: (socket) => void setImmediate().then(() => socket.resume())
  }),

  "a low high-water mark": between({
    options: { highWaterMark: 4 },
    without: ["drain"],
    client: async (socket, log) => {
      await once(socket, "connect")
      log.push(`${socket.writableHighWaterMark} and ${socket.readableHighWaterMark}`)
      log.push(`three bytes: ${socket.write("abc")}, four: ${socket.write("abcd")}`)
      socket.end()
    },
    server: (socket) => socket.resume()
  }),

  "a signal destroys it": (stage) => {
    const controller = new AbortController()
    return between({
      options: { signal: controller.signal },
      client: (socket) => socket.once("data", () => controller.abort()),
      server: (socket) => socket.write("hello")
    })(stage)
  },

  "the client destroys while it connects": async (stage) => {
    const port = await stage.listen((socket) => socket.resume())
    const socket = stage.connect({ port, host })
    const log = record(socket)
    socket.write("hello", noting(log, "write"))
    socket.destroy()
    await once(socket, "close")
    return log
  },

  "nobody listens": alone((socket, log) => {
    socket.on("error", () => {})
    socket.connect(1, host)
    socket.write("hello", noting(log, "write"))
    log.push(facts(socket))
  }),

  "there is no such file": alone((socket) => socket.connect("/nowhere/at/all")),

  "writing before it is told where": alone((socket, log) => {
    log.push(facts(socket))
    socket.write("hello", noting(log, "write"))
  }),

  "ending before it is told where": alone((socket) => {
    socket.end()
    socket.resume()
    socket.destroy()
  }),

  "resetting before it is told where": alone((socket) => socket.resetAndDestroy()),

  "arguments that make no sense": alone((socket, log, { connect }) => {
    log.push(
      thrown(() => connect({ port: 70_000 })),
      thrown(() => connect({ port: "" } as never)),
      thrown(() => connect({} as never)),
      thrown(() => socket.setTimeout(-1)),
      thrown(() => socket.setTimeout("soon" as never)),
      thrown(() => socket.setTimeout(Infinity))
    )
    socket.destroy()
  }),

  "all ways to say where": async (stage) => {
    const port = await stage.listen((socket) => socket.end("hello"))
    const seen: Array<string> = []
    const ways: ReadonlyArray<(then: () => void) => Net.Socket> = [
      (then) => stage.connect(port, host, then),
      (then) => stage.connect(String(port) as never, host as never, then as never) as Net.Socket,
      (then) => stage.connect({ port, host }, then),
      (then) => stage.connect({ port, host, timeout: 5000 } as Net.NetConnectOpts, then),
      (then) => stage.create().connect(port, host, then),
      (then) => stage.create({ allowHalfOpen: true }).connect({ port, host }, then)
    ]
    for (const way of ways) {
      const socket = way(() => seen.push("connected"))
      seen.push(facts(socket))
      await once(socket.resume(), "end")
      socket.destroy()
    }
    return seen
  },

  "addresses": async (stage) => {
    const accepted = Promise.withResolvers<Net.Socket>()
    const port = await stage.listen((socket) => accepted.resolve(socket))
    const socket = stage.connect({ port, host })
    const tell = ({ localAddress, localFamily, remoteAddress, remoteFamily, remotePort }: Net.Socket) => [
      localAddress,
      localFamily,
      remoteAddress,
      remoteFamily,
      remotePort === port ? "the server's port" : typeof remotePort
    ]
    const before = tell(socket)
    await once(socket, "connect")
    const server = await accepted.promise
    const matches = socket.localPort === server.remotePort && server.localPort === port
    const own = JSON.stringify(socket.address()) ===
      JSON.stringify({ address: host, family: "IPv4", port: socket.localPort })
    const after = [tell(socket), tell(server), matches, own]
    socket.destroy()
    await once(server.resume(), "close")
    return [before, ...after]
  },

  "settings return the socket": async (stage) => {
    const port = await stage.listen((socket) => socket.resume())
    const socket = stage.connect({ port, host })
    const same = [
      socket.setNoDelay(true),
      socket.setKeepAlive(true, 1000),
      socket.ref(),
      socket.setTimeout(0),
      socket.pause(),
      socket.resume(),
      socket.unref().ref(),
      socket.end(),
      socket.destroy()
    ].map((result) => result === socket)
    await once(socket, "close")
    return same
  }
}
