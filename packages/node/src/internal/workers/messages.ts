import type { Wanted } from "../socketSource.ts"

/** The variable that tells a process that it is a worker, and which. */
export const nameVariable = "SLUICE_WORKER"

/** What a worker sends to its supervisor, by the IPC of Node: a structured clone. */
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

/** What a supervisor sends to a worker. A `socket` comes with the handle, unless it has an error. */
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

/** Why there is no socket: an error of the system, or none was inherited. */
export interface SocketFailure {
  readonly code: string | undefined
  readonly syscall: string | undefined
  readonly message: string
  readonly found: ReadonlyArray<string> | undefined
}

/** The program may use IPC as well: messages of ours are below this key. */
const key = "sluice"

export const wrap = (message: FromWorker | ToWorker): Record<string, unknown> => ({ [key]: message })

export const unwrap = <A extends FromWorker | ToWorker>(message: unknown): A | undefined =>
  typeof message === "object" && message !== null && key in message ? message[key] as A : undefined
