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

/**
 * Disconnects a client that takes neither a name nor a room in time; pings a silent client, and disconnects it if it does
 * not answer. One fiber for both: a chat has as many of them as clients.
 */
export const watch = (member: Member, settings: Settings, heard: Heard): Effect.Effect<never, Parting> => {
  const idle = millis(settings.idle)
  const grace = millis(settings.idleGrace)
  let introduction: number | undefined
  let ping: { readonly heard: number; readonly until: number } | undefined
  const look: Effect.Effect<never, Parting> = Clock.clockWith((clock) => {
    const time = now(clock)
    introduction ??= time + millis(settings.introduction)
    if (time >= introduction) {
      if (!member.introduced) return late
      introduction = Infinity
    }
    if (ping !== undefined && time >= ping.until) {
      if (heard.at <= ping.heard) return silent
      ping = undefined
    }
    if (ping === undefined && time >= heard.at + idle) {
      ping = { heard: heard.at, until: time + grace }
      return Effect.andThen(tell(member, Line.Ping({ seconds: grace / 1000 })), look)
    }
    const next = Math.min(introduction, ping?.until ?? heard.at + idle)
    return Effect.andThen(Effect.sleep(next - time), look)
  })
  return look
}

const late = Effect.fail(
  new Parting({ farewell: "you took neither a name nor a room in time: goodbye", why: undefined })
)

const silent = Effect.fail(new Parting({ farewell: "nothing was heard of you: goodbye", why: "silent" }))
