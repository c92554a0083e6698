/** The servers that are soaked, each a process of its own, and what they use of the machine. */
import * as ChildProcess from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { resolve } from "node:path"

const main = resolve(import.meta.dirname, "../../src/main.ts")

export interface Server {
  readonly name: string
  readonly port: number
  readonly pid: number
  /** The exit code and the last lines of the log, once the process has ended. */
  readonly ended: () => string | undefined
  readonly stop: () => Promise<void>
}

const keptLog = 4_000 // characters

/** Starts a program, and waits until it listens. */
export const start = async (name: string, args: ReadonlyArray<string>): Promise<Server> => {
  const child = ChildProcess.spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] })
  let log = ""
  let outcome: string | undefined
  const ended = new Promise<void>((done) =>
    child.once("exit", (code, signal) => {
      outcome = `${name} ended with ${signal ?? code}: ${log.trim()}`
      done()
    })
  )
  const port = await new Promise<number>((listening, failed) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        log = (log + text).slice(-keptLog)
        const match = /listening on \S*:(\d+)/.exec(log)
        if (match !== null) listening(Number(match[1]))
      })
    }
    void ended.then(() => failed(new Error(outcome)))
  })
  return {
    name,
    port,
    pid: child.pid!,
    ended: () => outcome,
    stop: async () => {
      child.kill("SIGTERM")
      await ended
    }
  }
}

export interface Usage {
  /** Resident memory, in MB. */
  readonly memory: number
  readonly descriptors: number
}

/** What a process uses now; nothing once it has ended. Linux only: it reads /proc. */
export const usageOf = ({ pid }: Server): Usage | undefined => {
  try {
    const kilobytes = Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
    return { memory: kilobytes / 1000, descriptors: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    return undefined
  }
}
