import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { onCore } from "./cores.ts"

const running = new Set<ChildProcess>()

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

/** A process of the benchmark: bound to a core, and gone when the benchmark is. */
export class Child {
  readonly process: ChildProcess
  /** The command that was run. */
  readonly name: string
  readonly #lines: AsyncIterator<string>

  constructor(core: number | undefined, command: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) {
    const [file, ...args] = onCore(core, command)
    this.name = command.join(" ")
    this.process = spawn(file!, args, { stdio: ["pipe", "pipe", "inherit", "ipc"], env: { ...process.env, ...env } })
    running.add(this.process)
    this.process.once("exit", () => running.delete(this.process))
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]()
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const timer = setTimeout(() => this.process.kill("SIGKILL"), 60_000)
    const { done, value } = await this.#lines.next()
    clearTimeout(timer)
    if (done) throw new Error(`${this.name} ended, or was ended after a minute, without an answer`)
    return value
  }

  /** Its answer to a message. */
  ask<A>(message = ""): Promise<A> {
    return new Promise((resolve, reject) => {
      this.process.once("message", resolve)
      this.process.send(message, (error) => error && reject(error))
    })
  }

  async end(): Promise<void> {
    if (!running.has(this.process)) return
    const ended = new Promise((resolve) => this.process.once("exit", resolve))
    this.process.kill("SIGKILL")
    await ended
  }
}
