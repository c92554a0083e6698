import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Alarms } from "./alarms.ts"
import type { Engine } from "./engine.ts"
import type { Event } from "./eventQueue.ts"

/** Sleeps, in microseconds of the engine. */
export const sleep = (engine: Pick<Engine, "now" | "watch">, alarms: Alarms, micros: number): Effect.Effect<void> => {
  if (micros <= 0) return Effect.yieldNow
  if (micros === Infinity) return Effect.never
  return Effect.callback((resume) => {
    const wake = () => resume(Effect.void)
    const alarm: Event = {
      place: -1,
      sleeper: Fiber.getCurrent(),
      run: () => {
        alarms.cancel(alarm)
        alarms.submit(wake)
      }
    }
    const until = engine.now + Math.max(1, Math.ceil(micros))
    alarms.schedule(alarm, until)
    engine.watch?.sleeps(until)
    return Effect.sync(() => alarms.cancel(alarm))
  })
}
