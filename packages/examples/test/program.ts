import { inject, onTestFinished } from "@effect/vitest"
import * as ChildProcess from "node:child_process"
import * as Net from "node:net"
import { fileURLToPath } from "node:url"

declare module "vitest" {
  interface ProvidedContext {
    /** The bundle of `src/main.ts`, which `setup.ts` provides. */
    readonly programs: string
  }
}

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
export const node = file("../../../node_modules/.bin/node")
/** The programs, bundled. */
export const main = inject("programs")
/** The programs as users run them: each module is found, and its types are stripped, on its own. */
export const source = file("../src/main.ts")

/** What a process said, and how it ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly output: Buffer
}

/** A program that runs, as a user would run it. It is killed when the test is over. */
export interface Program {
  readonly child: ChildProcess.ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** Waits until standard output, or standard error, holds this. */
  readonly says: (pattern: RegExp, stream?: "stdout" | "stderr") => Promise<RegExpExecArray>
}

const withoutSettings = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SLUICE_")))

/** Starts a command. */
export const spawn = (command: string, args: ReadonlyArray<string>, environment: NodeJS.ProcessEnv = {}): Program => {
  const child = ChildProcess.spawn(command, args, { env: { ...withoutSettings, ...environment } })
  const said: Record<"stdout" | "stderr", Array<Buffer>> = { stdout: [], stderr: [] }
  const text = (stream: "stdout" | "stderr") => Buffer.concat(said[stream]).toString()
  let check: Array<() => void> = []
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (chunk: Buffer) => {
      said[stream].push(chunk)
      for (const each of check) each()
    })
  }
  // The end of a program that has seen enough is no failure of its input.
  child.stdin.on("error", () => {})
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject)
    child.on(
      "close",
      (code) => resolve({ code, stdout: text("stdout"), stderr: text("stderr"), output: Buffer.concat(said.stdout) })
    )
  })
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await ended
  })
  return {
    child,
    ended,
    says: (pattern, stream = "stdout") =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text(stream))
          if (match === null) return
          check = check.filter((each) => each !== look)
          resolve(match)
        }
        check.push(look)
        look()
        void ended.then((how) => reject(new Error(`it ended before it said ${pattern}: ${JSON.stringify(how)}`)))
      })
  }
}

/** Starts one of the programs: `start("echo server --port 0")`. */
export const start = (args: string | ReadonlyArray<string>, environment?: NodeJS.ProcessEnv): Program =>
  spawn(node, [main, ...(typeof args === "string" ? args.split(" ") : args)], environment)

/** Runs one of the programs to its end, with this on standard input. */
export const run = (
  args: string | ReadonlyArray<string>,
  options: { readonly input?: string | Buffer; readonly environment?: NodeJS.ProcessEnv } = {}
): Promise<Ended> => {
  const program = start(args, options.environment)
  program.child.stdin.end(options.input ?? "")
  return program.ended
}

/** Starts a server on a port, by default one that the system chooses. */
export const serve = async (args: string, at = 0): Promise<Program & { readonly port: number }> => {
  const program = start(`${args} --port ${at}`)
  const [, port] = await program.says(/^Server listening on .*:(\d+)$/m)
  return { ...program, port: Number(port) }
}

/** Sends a signal, and waits for the end. */
export const stop = (program: Program, signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> => {
  program.child.kill(signal)
  return program.ended
}

/** What a server said, but for how it drained: whether it had to depends on when it noticed that its last client had left. */
export const withoutDraining = (stderr: string): string => stderr.replace(/^.* INFO drain(?:ing|ed): .*\n/gm, "")

/** Opens a plain connection. It is destroyed when the test is over. */
export const connect = async (options: Net.NetConnectOpts): Promise<Net.Socket> => {
  const socket = Net.connect({ allowHalfOpen: true, ...options })
  onTestFinished(() => void socket.destroy())
  await once(socket, "connect")
  return socket
}

/** Waits for an event; an error is one that nobody waited for, unless it is what is waited for. */
export const once = <A = unknown>(socket: Net.Socket, event: string): Promise<A> =>
  new Promise((resolve, reject) => {
    socket.once(event, resolve)
    if (event !== "error") socket.once("error", reject)
  })

/** Sends a message, half-closes, and gives what comes until the other side ends. */
export const converse = async (options: Net.NetConnectOpts, message: string | Buffer): Promise<string> => {
  const socket = await connect(options)
  const chunks: Array<Buffer> = []
  socket.on("data", (chunk: Buffer) => chunks.push(chunk))
  socket.end(message)
  await once(socket, "end")
  return Buffer.concat(chunks).toString()
}

/** Whether a command can be run here; says so when it cannot, and so what is left out. */
export const isThere = (command: string, ...args: ReadonlyArray<string>): boolean => {
  const { error } = ChildProcess.spawnSync(command, args)
  if (error !== undefined) console.warn(`skipped: tests with ${command}, which is not installed here`)
  return error === undefined
}

/** Whether this machine has the IPv6 loopback address; says so when it has not. */
export const hasIpv6 = await new Promise<boolean>((resolve) => {
  const server = Net.createServer()
  server.once("error", (error) => {
    console.warn(`skipped: tests over IPv6: ${error.message}`)
    resolve(false)
  })
  server.listen(0, "::1", () => server.close(() => resolve(true)))
})
