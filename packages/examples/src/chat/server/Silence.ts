/** What the server does about clients that say nothing. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Line from "../protocol/Line.ts"
import { type Member, Parting, tell } from "./Member.ts"
import type { Settings } from "./Settings.ts"

/** When the last line arrived, as a monotonic time in milliseconds. */
export interface Heard {
  at: number
}

/** The monotonic time in milliseconds: silence is measured by it, whatever happens to the wall clock. */
export const now = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

const millis = (input: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(input))

/** Pings a silent client, and disconnects it if it does not answer. */
export const watch = (member: Member, settings: Settings, heard: Heard): Effect.Effect<never, Parting> => {
  const idle = millis(settings.idle)
  const grace = millis(settings.idleGrace)
  const ping = Line.Ping({ seconds: grace / 1000 })
  const look: Effect.Effect<never, Parting> = Clock.clockWith((clock) => {
    const left = heard.at + idle - now(clock)
    if (left > 0) return Effect.andThen(Effect.sleep(left), look)
    const asked = heard.at
    return tell(member, ping).pipe(
      Effect.andThen(Effect.sleep(grace)),
      Effect.flatMap(() =>
        heard.at > asked ? look : new Parting({ farewell: "nothing was heard of you: goodbye", why: "silent" })
      )
    )
  })
  return look
}

/** Disconnects a client that takes neither a name nor a room in time. */
export const untilIntroduced = (member: Member, { introduction }: Settings): Effect.Effect<never, Parting> =>
  Effect.flatMap(
    Effect.sleep(introduction),
    () =>
      member.introduced
        ? Effect.never
        : new Parting({ farewell: "you took neither a name nor a room in time: goodbye", why: undefined })
  )
