import type { Wanted } from "../socketSource.ts"

/** The environment variable with the name of the worker. */
export const nameVariable = "SLUICE_WORKER"

/** A message of a worker to its supervisor, sent as a structured clone over Node's IPC. */
export type FromWorker =
  | {
    readonly kind: "listen"
    readonly id: number
    readonly where: string
    readonly wanted: Wanted
    readonly nth: number
  }
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "pong" }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | {
    readonly kind: "event"
    readonly tag: string
    readonly at: number
    readonly facts: Readonly<Record<string, unknown>>
  }

/** A message of the supervisor to a worker. A `socket` comes with the handle, unless it has an error. */
export type ToWorker =
  | {
    readonly kind: "socket"
    readonly id: number
    readonly path: string | undefined
    readonly error: SocketFailure | undefined
  }
  | { readonly kind: "ping" }
  | { readonly kind: "ask"; readonly id: number; readonly what: Question }
  | { readonly kind: "events"; readonly on: boolean }

/** What a supervisor can ask. */
export type Question = "connections" | "metrics"

/** Why there is no socket: a system error, or no inherited socket (`found` lists those that exist). */
export interface SocketFailure {
  readonly code: string | undefined
  readonly syscall: string | undefined
  readonly message: string
  readonly found: ReadonlyArray<string> | undefined
}

/** The program may use IPC as well, so our messages are below this key. */
const key = "sluice"

export const wrap = (message: FromWorker | ToWorker): Record<string, unknown> => ({ [key]: message })

export const unwrap = <A extends FromWorker | ToWorker>(message: unknown): A | undefined =>
  typeof message === "object" && message !== null && key in message ? message[key] as A : undefined
