import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"

/** Whether a program is installed. */
export const has = (program: string): boolean => spawnSync("which", [program]).status === 0

export const freePort = async (): Promise<number> => {
  const server = Net.createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as Net.AddressInfo
  server.close()
  await once(server, "close")
  return port
}

/** Runs a server until it is disposed of; `args` is given a folder of its own. Waits until it accepts connections. */
export const start = async (
  port: number,
  command: (folder: string) => ReadonlyArray<string>,
  prepare: (folder: string) => void = () => {}
): Promise<AsyncDisposable> => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-libraries-"))
  prepare(folder)
  const [file, ...args] = command(folder)
  const child = spawn(file!, args, { stdio: "ignore" })
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`)
    await setTimeout(50)
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await end(child)
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

const accepts = async (port: number): Promise<boolean> => {
  const socket = Net.connect(port, "127.0.0.1")
  try {
    await once(socket, "connect")
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const end = async (child: ChildProcess): Promise<void> => {
  const ended = once(child, "exit")
  child.kill("SIGINT")
  await ended
}
