/** What a chat allows, and what it greets with. */
import * as Duration from "effect/Duration"
import type { Limits } from "./Admission.ts"

export interface Settings extends Limits {
  /** Lines of a room that are shown to those who enter it. */
  readonly history: number
  /** What is said to everybody who connects, a line each. */
  readonly greeting: ReadonlyArray<string>
  /** After this many refusals in a row, the server hangs up. */
  readonly patience: number
  /** A client that has neither a name nor a room by then is disconnected. */
  readonly introduction: Duration.Input
  /** After so long a silence it asks whether one is there. */
  readonly idle: Duration.Input
  /** So long it waits for an answer. */
  readonly idleGrace: Duration.Input
  /** Lines that may wait for a client that reads slowly; one more, and the server hangs up. */
  readonly queue: number
}

/** What holds unless something else is said. */
export const defaults: Settings = {
  history: 20,
  greeting: [],
  rate: { burst: 10, refill: 500 },
  patience: 30,
  introduction: Duration.minutes(2),
  idle: Duration.minutes(15),
  idleGrace: Duration.minutes(5),
  queue: 1000,
  clients: 10_000,
  clientsPerAddress: 5_000
}
