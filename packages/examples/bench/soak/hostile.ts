/** Clients that a server meets when anybody can reach it. They come from 127.0.0.2, so that limits per address tell them apart. */
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import * as Net from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

type Behavior = (socket: Net.Socket, over: AbortSignal) => Promise<void>

const long = 15_000 // milliseconds: how long a client holds on to a connection
const wait = (time: number, signal: AbortSignal) => sleep(time, undefined, { signal }).catch(() => {})

/** Sends something again and again, without a look at what comes back, until the server no longer takes it. */
const pour = async (socket: Net.Socket, over: AbortSignal, next: () => Buffer | string, megabytes: number) => {
  socket.pause()
  while (!over.aborted && !socket.destroyed && socket.bytesWritten < megabytes * 1e6) {
    if (!socket.write(next())) {
      await Promise.race([once(socket, "drain", { signal: over }).catch(() => {}), wait(long, over)])
    }
    if (socket.writableLength > 1e6) break
  }
  await wait(long, over)
}

export const behaviors: Readonly<Record<string, Behavior>> = {
  "connects and resets": async (socket) => {
    socket.write("hello\n")
    socket.resetAndDestroy()
  },
  "connects and ends": async (socket, over) => {
    socket.end()
    await wait(100, over)
  },
  "says nothing": (_, over) => wait(long, over),
  "sends a byte a second": async (socket, over) => {
    for (let time = 0; time < long && !over.aborted && !socket.destroyed; time += 1000) {
      socket.write("x")
      await wait(1000, over)
    }
  },
  "sends noise": async (socket, over) => {
    socket.write(randomBytes(4096))
    await wait(2000, over)
  },
  "sends half a PROXY header": async (socket, over) => {
    socket.write("PROXY TCP4 192.0.2.1 ")
    await wait(long, over)
  },
  "sends half a TLS handshake": async (socket, over) => {
    socket.write(Buffer.from("1603010200010001fc0303", "hex"))
    await wait(long, over)
  },
  "never reads": (socket, over) => pour(socket, over, () => randomBytes(16_384), 16),
  "sends a line without an end": (socket, over) => pour(socket, over, () => "y".repeat(16_384), 4),
  "changes names and rooms": async (socket, over) => {
    for (let count = 0; count < 200 && !over.aborted && !socket.destroyed; count++) {
      const id = randomBytes(4).toString("hex")
      socket.write(`/nick ${id}\n/join ${id}\n\u001b[2J\u202e${id}\n`)
      await wait(50, over)
    }
  }
}

export class Hostile {
  /** Connections that were opened, of each behavior. */
  readonly opened = new Map(Object.keys(behaviors).map((name) => [name, 0]))
  readonly #over = new AbortController()
  readonly #clients: ReadonlyArray<Promise<void>>

  /** `clients` of each behavior for each port, each of which connects again and again. */
  constructor(ports: ReadonlyArray<number>, clients: number) {
    this.#clients = ports.flatMap((port) =>
      Object.entries(behaviors).flatMap(([name, behave]) =>
        Array.from({ length: clients }, () => this.#run(port, name, behave))
      )
    )
  }

  async #run(port: number, name: string, behave: Behavior): Promise<void> {
    const over = this.#over.signal
    while (!over.aborted) {
      const socket = Net.connect({ host: "127.0.0.1", port, localAddress: "127.0.0.2" })
      // That the server breaks it off is what it should do.
      socket.on("error", () => {})
      const connected = await Promise.race([
        once(socket, "connect", { signal: over }).then(() => true, () => false),
        wait(long, over).then(() => false)
      ])
      if (connected) {
        this.opened.set(name, this.opened.get(name)! + 1)
        await behave(socket, over)
      }
      socket.destroy()
      await wait(200, over)
    }
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await Promise.all(this.#clients)
  }
}
