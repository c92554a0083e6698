import * as Effect from "effect/Effect"
import { replaceGlobals, replaceModules } from "../replacements/install.ts"
import { bound, within } from "../sandbox/place.ts"
import type { Sandbox } from "../sandbox/sandbox.ts"
import type { Halt, Limits, VirtualTime } from "../time/virtualTime.ts"
import { Driver, type Stop } from "./driver.ts"

/** The program of a run, and its record. */
export interface Recording<A, E> {
  readonly begin: () => void
  /** The record is complete. */
  readonly isRecorded: () => boolean
  /** The program and its finalizers have ended. */
  readonly isDone: () => boolean
  /** Ends the record with an error. */
  readonly stop: (stop: Stop) => void
  /** Ends the record because the caller was interrupted. */
  readonly abandon: () => void
  /** Begins to clean up, and returns the limits for that. */
  readonly cleanUp: () => Limits
  readonly result: () => Effect.Effect<A, E>
}

export interface Conditions {
  readonly time: VirtualTime
  readonly sandbox: Sandbox
  readonly limits: Limits
  /** Milliseconds of real time that an operation of the platform may take. */
  readonly patience: number
  /** Whether to turn the event loop from the beginning. */
  readonly needsEventLoop: boolean
}

const stopped = (recording: Recording<unknown, unknown>, halt: Halt | undefined) => {
  if (halt !== undefined) recording.stop({ _tag: "Halt", halt })
}

/** Runs a program to its end without the event loop. */
export const runSynchronously = <A, E>(
  { limits, sandbox, time }: Conditions,
  recording: Recording<A, E>
): Effect.Effect<A, E> => {
  replaceModules()
  const restore = replaceGlobals()
  try {
    return within(sandbox.root, () => {
      recording.begin()
      stopped(recording, time.run(recording.isRecorded, limits))
      if (!recording.isDone()) time.run(recording.isDone, recording.cleanUp())
      return recording.result()
    })
  } finally {
    sandbox.isOver = true
    restore()
  }
}

/** Runs a program synchronously until it needs the event loop, and then in the event loop. */
export const runWithEventLoop = <A, E>(conditions: Conditions, recording: Recording<A, E>): Effect.Effect<A, E> => {
  const { limits, needsEventLoop, patience, sandbox, time } = conditions
  replaceModules()
  const restore = replaceGlobals()
  const over = () => {
    sandbox.isOver = true
    restore()
  }
  const driver = new Driver(time, sandbox, patience)
  // Returns whether the run needs the event loop to continue.
  const runs = (isDone: () => boolean, limits: Limits, onHalt: (halt: Halt | undefined) => void): boolean => {
    const halt = driver.runSynchronously(isDone, limits)
    if (halt === "pause") return true
    onHalt(halt)
    return false
  }
  let waits: "for the program" | "for finalizers" | "for nothing"
  try {
    driver.enter(recording.begin)
    waits = needsEventLoop || runs(recording.isRecorded, limits, (halt) => stopped(recording, halt))
      ? "for the program"
      : !recording.isDone() && runs(recording.isDone, recording.cleanUp(), () => {})
      ? "for finalizers"
      : "for nothing"
  } catch (error) {
    over()
    throw error
  }
  if (waits === "for nothing") {
    over()
    return recording.result()
  }
  return Effect.callback<A, E>((resume) => {
    let onEnd = bound(resume)
    const die = (error: unknown) => {
      over()
      onEnd(Effect.die(error))
    }
    const finish = () => {
      over()
      onEnd(recording.result())
    }
    const cleanUp = () => {
      if (recording.isDone()) finish()
      else driver.drive(recording.isDone, recording.cleanUp(), finish, die)
    }
    if (waits === "for finalizers") cleanUp()
    else {
      driver.drive(recording.isRecorded, limits, (stop) => {
        if (stop !== undefined) recording.stop(stop)
        cleanUp()
      }, die)
    }
    return Effect.callback<void>((resume) => {
      onEnd = () => resume(Effect.void)
      recording.abandon()
    })
  })
}
