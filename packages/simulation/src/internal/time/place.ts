import type { Event } from "./eventQueue.ts"

/** Where what code asks for goes: an engine, or the gate of a process. */
export interface Alarms {
  /** Lets an event happen at a time of the engine, in microseconds. */
  readonly schedule: (event: Event, at: number) => void
  /** Takes an event back, or notes that it has happened. */
  readonly cancel: (event: Event) => void
  /** Runs a task soon. */
  readonly submit: (task: () => void) => void
  /** Nothing of it runs any more. */
  readonly isDead?: boolean
}

/** What a machine counts time by. */
export interface Pace {
  /** Microseconds that it has counted. */
  readonly monotonic: number
  /** Milliseconds since the epoch, as it shows them. */
  readonly wall: number
  /** How many of its seconds pass in a second. */
  readonly rate: number
}

/** Gives the way in which the tasks of a process run: so that what they leave to the event loop is known to be its. */
export type ContextOf = (alarms: Alarms, pace: Pace, host: string) => (task: () => void) => void
