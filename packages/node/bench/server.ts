import { join, resolve } from "node:path"
import { Child } from "./child.ts"
import { compileC } from "./compileC.ts"
import { cores } from "./cores.ts"
import { install } from "./installation.ts"
import type { Usage } from "./servers/ready.ts"

/** A server that is compared: what it is called, its file in `servers/`, without ending, and what it is told. */
export interface Contestant {
  readonly name: string
  readonly file: string
  readonly args?: ReadonlyArray<string>
  /** A server in C, in `floor/`, and the libraries that it needs. */
  readonly floor?: ReadonlyArray<string>
}

/** A server in a process of its own. */
export interface Server {
  readonly name: string
  readonly pid: number
  readonly port: number
  /** Milliseconds from its start until it listened. */
  readonly startWall: number
  readonly usage: () => Promise<Usage>
  /** Milliseconds of garbage collection while something runs. A server in C has none. */
  readonly collecting: (run: () => Promise<unknown>) => Promise<number>
  readonly stop: () => Promise<void>
}

const servers = await install()

/** Whether a server can be started here: one in C needs a compiler. */
export const canStart = ({ file, floor }: Contestant): boolean =>
  floor === undefined || compiled(file, floor) !== undefined

const compiled = (file: string, libraries: ReadonlyArray<string>): string | undefined =>
  compileC(resolve(import.meta.dirname, "floor", `${file}.c`), join("floor", file), ...libraries)

/** Starts a server and waits until it listens. A server that only helps to measure belongs on the core of the load. */
export const startServer = async (
  { name, file, args = [], floor }: Contestant,
  core = cores?.server
): Promise<Server> => {
  const begin = performance.now()
  const command = floor === undefined
    ? [process.execPath, "--expose-gc", resolve(servers, `${file}.js`)]
    : [compiled(file, floor)!]
  const child = new Child(core, [...command, ...args])
  const line = await child.line()
  const startWall = performance.now() - begin
  const port = Number(/^listening (\d+)$/.exec(line)?.[1])
  if (!(port > 0)) throw new Error(`${file} printed "${line}" instead of "listening PORT"`)
  return {
    name,
    pid: child.process.pid!,
    port,
    startWall,
    usage: () => child.ask<Usage>("usage"),
    collecting: async (run) => {
      if (floor === undefined) await child.ask("collections")
      await run()
      return floor === undefined ? child.ask<number>("collections") : 0
    },
    stop: () => child.end()
  }
}
