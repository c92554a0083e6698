import * as ChildProcess from "node:child_process"
import { join } from "node:path"
import { folder } from "../folder.ts"
import { isThere, spawn } from "../program.ts"

/** Whether Redis itself is here to compare with. */
export const hasRedis = isThere("redis-server", "--version") && isThere("redis-cli", "--version")

/** Starts Redis on a Unix-domain socket, and returns its path. */
export const startRedis = async (): Promise<string> => {
  const path = join(folder(), "redis.sock")
  const server = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"])
  await server.says(/ready to accept connections/i)
  return path
}

/** Gives commands to `redis-cli`, a line each, and returns what it prints. */
export const ask = (where: ReadonlyArray<string>, lines: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = ChildProcess.execFile(
      "redis-cli",
      [...where, "--no-raw"],
      (error, stdout) => error === null ? resolve(stdout) : reject(error)
    )
    child.stdin!.end(lines.map((line) => `${line}\n`).join(""))
  })
