import { connect, createServer } from "node:net"
import { resolve } from "node:path"
import { Child } from "../../../../node/bench/child.ts"

export interface RedisServer {
  readonly name: string
  readonly port: number
  readonly stop: () => Promise<void>
}

/** Starts Redis itself, without persistence. */
export const startRedis = async (core: number | undefined): Promise<RedisServer> => {
  const port = await freePort()
  const child = new Child(core, ["redis-server", "--port", String(port), "--save", "", "--loglevel", "warning"])
  await untilItListens(port)
  return { name: "Redis", port, stop: () => child.end() }
}

/** Starts the program `redis server`. */
export const startOurs = async (core: number | undefined): Promise<RedisServer> => {
  const main = resolve(import.meta.dirname, "../../../src/main.ts")
  const child = new Child(core, [process.execPath, main, "redis", "server", "--port", "0"])
  const port = Number(/:(\d+)$/.exec(await child.line())?.[1])
  return { name: "Sluice", port, stop: () => child.end() }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Waits until a server listens. Redis does not say so when it logs only warnings. */
const untilItListens = async (port: number): Promise<void> => {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy()
        resolve(true)
      })
      socket.once("error", () => resolve(false))
    })
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`redis-server does not listen on port ${port}`)
}
