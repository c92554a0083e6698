import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"

/** Whether a program is installed. */
export const has = (program: string): boolean => succeeds(["which", program])

/** Runs a command, and gives whether it succeeds. */
export const succeeds = ([file, ...args]: ReadonlyArray<string>): boolean => spawnSync(file!, args).status === 0

interface Server {
  /** A command that succeeds once the server accepts connections. */
  readonly ready: ReadonlyArray<string>
  readonly command: (folder: string) => ReadonlyArray<string>
  readonly prepare?: (folder: string) => void
}

/** Runs a server, in a folder of its own, while `use` runs. */
export const withServer = async ({ command, prepare, ready }: Server, use: () => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-libraries-"))
  try {
    prepare?.(folder)
    const [file, ...args] = command(folder)
    const child = spawn(file!, args, { stdio: "ignore" })
    try {
      while (!succeeds(ready)) {
        if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`)
        await setTimeout(50)
      }
      await use()
    } finally {
      await end(child)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return
  const ended = once(child, "exit")
  child.kill("SIGINT")
  await ended
}
