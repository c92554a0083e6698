/** What the server does about a client of which nothing is heard. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Line from "../protocol/Line.ts"
import { type Member, Parting, tell } from "./Member.ts"
import type { Settings } from "./Settings.ts"

/** When something was heard last, in milliseconds. */
export interface Heard {
  at: number
}

/** Asks a client that is silent whether it is there, and parts from one that does not answer. */
export const watch = (member: Member, { idle, idleGrace }: Settings, heard: Heard): Effect.Effect<never, Parting> => {
  const [patience, grace] = [idle, idleGrace].map((each) => Duration.toMillis(Duration.fromInputUnsafe(each))) as [
    number,
    number
  ]
  const ping = Line.Ping({ seconds: grace / 1000 })
  const look: Effect.Effect<never, Parting> = Clock.clockWith((clock) => {
    const left = heard.at + patience - clock.currentTimeMillisUnsafe()
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
