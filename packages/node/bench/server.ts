import { resolve } from "node:path"
import { Child } from "./child.ts"
import { cores } from "./cores.ts"
import { install } from "./installation.ts"
import type { Usage } from "./servers/ready.ts"

/** A server that is compared: what it is called, its file in `servers/`, without ending, and what it is told. */
export interface Contestant {
  readonly name: string
  readonly file: string
  readonly args?: ReadonlyArray<string>
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

/** Starts a server and waits until it listens. A server that only helps to measure belongs on the core of the load. */
export const startServer = async (
  { name, file, args = [] }: Contestant,
  core = cores?.server
): Promise<Server> => {
  const begin = performance.now()
  const child = new Child(core, [process.execPath, "--expose-gc", resolve(servers, `${file}.js`), ...args])
  const line = await child.line()
  const startWall = performance.now() - begin
  const port = Number(/^listening (\d+)$/.exec(line)?.[1])
  if (!(port > 0)) throw new Error(`${file} printed "${line}" instead of "listening PORT"`)
  return { name, port, startWall, usage: () => child.ask<Usage>(), stop: () => child.end() }
}
