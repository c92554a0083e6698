// A file sent by the program `files`, with digests and fsync, and by nc, with neither.
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { performance } from "node:perf_hooks"
import { Child } from "../../../../node/bench/child.ts"
import { cores, onCore } from "../../../../node/bench/cores.ts"
import { type Contestant, section } from "../section.ts"

/** Bytes that a second of measuring sends. */
const bytesPerSecond = 256 * 1024 * 1024
const port = 23_554

interface Sender extends Contestant {
  /** Sends a file to the other side's disk. */
  readonly send: (file: string) => Promise<void>
}

const run = async (command: ReadonlyArray<string>, input?: number, output?: number): Promise<void> => {
  const [program, ...args] = command
  const child = spawn(program!, args, { stdio: [input ?? "ignore", output ?? "ignore", "ignore"] })
  const [code] = await once(child, "close")
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}`)
}

/** Opens a file for as long as it is used. */
const using = async (file: string, flags: string, use: (descriptor: number) => Promise<void>): Promise<void> => {
  const descriptor = openSync(file, flags)
  try {
    await use(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const netcat = (folder: string): Sender => ({
  name: "nc",
  stop: async () => {},
  send: (file) =>
    using(join(folder, "received"), "w", async (output) => {
      const receiving = run(onCore(cores?.server, ["nc", "-l", "-N", "127.0.0.1", String(port)]), undefined, output)
      // nc does not say when it listens, so the sender retries until it connects.
      const client = onCore(cores?.load, ["nc", "-N", "127.0.0.1", String(port)])
      const attempt = (left: number): Promise<void> =>
        using(file, "r", (input) => run(client, input)).catch((error: unknown) => {
          if (left === 0) throw error
          return new Promise<void>((resolve) => setTimeout(resolve, 10)).then(() => attempt(left - 1))
        })
      await Promise.all([receiving, attempt(100)])
    })
})

const ours = async (folder: string): Promise<Sender> => {
  const main = resolve(import.meta.dirname, "../../../src/main.ts")
  const server = new Child(cores?.server, [
    process.execPath,
    main,
    "files",
    "server",
    folder,
    "--port",
    "0",
    "--log-level",
    "error"
  ])
  const listening = Number(/:(\d+)$/.exec(await server.line())?.[1])
  return {
    name: "Sluice",
    stop: () => server.end(),
    send: (file) =>
      run(onCore(cores?.load, [process.execPath, main, "files", "send", file, "--port", String(listening)]))
  }
}

export const filesTransfer = section<Sender>({
  title: "files, from disk to disk, the start of the sender included",
  rows: [{
    name: "one file",
    unit: "MB/s",
    better: "more",
    measure: async ({ send }, { seconds }) => {
      const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"))
      const file = join(folder, "file")
      try {
        writeFileSync(file, Buffer.alloc(Math.round(bytesPerSecond * seconds), "Sluice "))
        const begun = performance.now()
        await send(file)
        return statSync(file).size / (performance.now() - begun) / 1000
      } finally {
        rmSync(folder, { recursive: true })
      }
    }
  }],
  start: async () => {
    if (spawnSync("nc", ["-h"]).error !== undefined) return { missing: "netcat-openbsd" }
    const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"))
    const program = await ours(folder)
    const stop = async () => {
      await program.stop()
      rmSync(folder, { recursive: true })
    }
    return [netcat(folder), {
      ...program,
      stop,
      send: async (file) => {
        // What is there already would not be sent again.
        rmSync(join(folder, "file"), { force: true })
        await program.send(file)
      }
    }]
  }
})
