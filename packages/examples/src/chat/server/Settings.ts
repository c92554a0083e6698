/** The limits of a chat, and its greeting. */
import * as Duration from "effect/Duration"
import type { Limits } from "./Admission.ts"

export interface Settings extends Limits {
  /** Lines of a room shown on entering it. */
  readonly history: number
  /** Lines sent to every client that connects. */
  readonly greeting: ReadonlyArray<string>
  /** Refusals in a row after which the server disconnects. */
  readonly patience: number
  /** Time to choose a name or enter a room before the server disconnects. */
  readonly introduction: Duration.Input
  /** Silence after which the server pings a client. */
  readonly idle: Duration.Input
  /** Time to answer a ping. */
  readonly idleGrace: Duration.Input
  /** Lines buffered for a slow reader before the server disconnects it. */
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
