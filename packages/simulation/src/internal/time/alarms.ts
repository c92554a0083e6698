import type { Event } from "./eventQueue.ts"

/** What schedules events and tasks: an engine, or the gate of a process. */
export interface Alarms {
  /** Schedules an event at a time of the engine, in microseconds. */
  readonly schedule: (event: Event, at: number) => void
  /** Cancels an event, or notes that it has happened. */
  readonly cancel: (event: Event) => void
  /** Runs a task soon. */
  readonly submit: (task: () => void) => void
  /** Whether the process is dead. */
  readonly isDead?: boolean
}

/** The clock of a machine. */
export interface Pace {
  /** Microseconds that it has counted. */
  readonly monotonic: number
  /** Milliseconds since the epoch, by its wall clock. */
  readonly wall: number
  /** How many of its seconds pass in a second. */
  readonly rate: number
}

/** Returns how to run tasks of a process, so that the callbacks they leave to the event loop belong to the process. */
export type ContextOf = (alarms: Alarms, pace: Pace, host: string) => (task: () => void) => void
