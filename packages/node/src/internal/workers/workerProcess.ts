import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import type { BoundSocket } from "../facade/boundSocket.ts"
import { type FromWorker, nameVariable, type Question, type ToWorker, unwrap, wrap } from "./messages.ts"

/** How a process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** For people: `exit code 1`, `SIGKILL`, or the error that the worker reported. */
  readonly why: string
}

/** Handles the messages of a worker that are not about the process itself. */
export interface Receiver {
  readonly onListen: (process: WorkerProcess, request: Extract<FromWorker, { readonly kind: "listen" }>) => void
  readonly onReady: (process: WorkerProcess) => void
  readonly onEvent: (process: WorkerProcess, event: Extract<FromWorker, { readonly kind: "event" }>) => void
}

/** A worker process. */
export class WorkerProcess {
  readonly name: string
  /** When it was started: milliseconds since the epoch. */
  readonly since: number
  state: "starting" | "ready" | "stopping" = "starting"
  /** When its last message arrived, in monotonic milliseconds. */
  lastHeard = performance.now()
  /** Completes when it is ready; fails with the error that it reported, or with how it ended. */
  readonly ready = Deferred.makeUnsafe<void, string>()
  readonly ended = Deferred.makeUnsafe<Ending>()
  readonly #child: ChildProcess.ChildProcess
  readonly #answers = new Map<number, (value: unknown) => void>()
  #questions = 0
  #failure: string | undefined = undefined

  constructor(name: string, since: number, receiver: Receiver) {
    this.name = name
    this.since = since
    const [, file, ...args] = process.argv
    this.#child = ChildProcess.fork(file!, args, {
      env: { ...process.env, [nameVariable]: name },
      serialization: "advanced",
      // A Ctrl-C is for the supervisor, which stops its workers.
      detached: true,
      stdio: ["ignore", "inherit", "inherit", "ipc"]
    })
    this.#child.on("message", (message: unknown) => {
      const received = unwrap<FromWorker>(message)
      if (received === undefined) return
      this.lastHeard = performance.now()
      this.#receive(received, receiver)
    })
    this.#child.once("error", (error) => this.#end(null, null, error.message))
    this.#child.once("exit", (code, signal) => this.#end(code, signal))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  #receive(message: FromWorker, receiver: Receiver): void {
    switch (message.kind) {
      case "listen":
        return receiver.onListen(this, message)
      case "event":
        return receiver.onEvent(this, message)
      case "answer":
        return this.#answers.get(message.id)?.(message.value)
      case "failed":
        this.#failure = message.message
        Deferred.doneUnsafe(this.ready, Effect.fail(message.message))
        return this.terminate()
      case "ready":
        if (this.state === "starting") this.state = "ready"
        receiver.onReady(this)
        Deferred.doneUnsafe(this.ready, Effect.void)
    }
  }

  #end(code: number | null, signal: NodeJS.Signals | null, problem?: string): void {
    const why = this.#failure ?? problem ?? (signal ?? `exit code ${code}`)
    Deferred.doneUnsafe(this.ready, Effect.fail(why))
    Deferred.doneUnsafe(this.ended, Effect.succeed({ code, signal, why }))
    for (const answer of this.#answers.values()) answer(undefined)
  }

  /** Sends a message, and a socket. Does nothing if the worker is gone. */
  send(message: ToWorker, socket?: BoundSocket): void {
    if (!this.#child.connected) return
    this.#child.send(wrap(message), socket as unknown as ChildProcess.SendHandle | undefined, () => {})
  }

  /** Asks a question; `undefined` if the worker ends, or does not answer within 5 seconds. */
  ask(what: Question): Effect.Effect<unknown> {
    return Effect.callback<unknown>((resume) => {
      if (!this.#child.connected) return resume(Effect.undefined)
      const id = this.#questions++
      const done = (value: unknown) => {
        this.#answers.delete(id)
        resume(Effect.succeed(value))
      }
      this.#answers.set(id, done)
      this.send({ kind: "ask", id, what })
      return Effect.sync(() => void this.#answers.delete(id))
    }).pipe(Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => Effect.undefined }))
  }

  /** Asks the process to end. */
  terminate(): void {
    this.#child.kill("SIGTERM")
  }

  kill(): void {
    this.#child.kill("SIGKILL")
  }

  /** Lets the process drain and end, within this time, and then kills it. */
  stop(within: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.state = "stopping"
      this.terminate()
      return Deferred.await(this.ended).pipe(
        Effect.timeoutOrElse({
          duration: within,
          orElse: () => {
            this.kill()
            return Deferred.await(this.ended)
          }
        }),
        Effect.asVoid
      )
    })
  }
}
