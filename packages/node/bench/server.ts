import { join } from "node:path"
import { Child } from "./child.ts"
import { cores } from "./cores.ts"
import { install } from "./installation.ts"
import type { Usage } from "./servers/ready.ts"

/** A server that is compared: what it is called, and its file in `servers/`, without ending. */
export interface Contestant {
  readonly name: string
  readonly file: string
}

/** A server in a process of its own. */
export interface Server {
  readonly name: string
  readonly port: number
  /** Milliseconds from its start until it listened. */
  readonly startWall: number
  readonly usage: () => Promise<Usage>
  readonly stop: () => Promise<void>
}

const servers = install()

/** Starts a server and waits until it listens. */
export const startServer = async ({ name, file }: Contestant): Promise<Server> => {
  const begin = performance.now()
  const child = new Child(cores?.server, [process.execPath, "--expose-gc", join(servers, `${file}.js`)])
  const line = await child.line()
  const startWall = performance.now() - begin
  const port = Number(/^listening (\d+)$/.exec(line)?.[1])
  if (!(port > 0)) throw new Error(`${file} printed "${line}" instead of "listening PORT"`)
  return { name, port, startWall, usage: () => child.ask<Usage>(), stop: () => child.end() }
}
