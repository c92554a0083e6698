/**
 * What the server does about clients that say nothing, and about all of them when it closes. One fiber watches all: one for
 * each would take more memory than the rest of an idle client.
 */
import * as Server from "@sluice/core/Server"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Line from "../protocol/Line.ts"
import { type Deadline, Deadlines } from "./Deadlines.ts"
import { type Member, Parting, tell } from "./Member.ts"
import type { Settings } from "./Settings.ts"

/** A client that is watched. */
export interface Watched {
  readonly member: Member
  /** For its name or room. */
  readonly introduction: Deadline<Watched>
  /** For its next line, or for its answer to a ping. */
  readonly silence: Deadline<Watched>
  /** Begins to part with it, whatever it is doing. */
  readonly end: (parting: Parting) => Effect.Effect<void>
}

/** The monotonic time in milliseconds: silence is measured by it, whatever happens to the wall clock. */
export const now = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/**
 * Disconnects a client that takes neither a name nor a room in time; pings a silent client, and disconnects it if it does
 * not answer.
 */
export class Watch {
  readonly #introductions: Deadlines<Watched>
  readonly #lines: Deadlines<Watched>
  readonly #answers: Deadlines<Watched>
  #fiber: Fiber.Fiber<void> | undefined = undefined

  constructor({ idle, idleGrace, introduction }: Settings) {
    this.#introductions = new Deadlines(introduction)
    this.#lines = new Deadlines(idle)
    this.#answers = new Deadlines(idleGrace)
  }

  /** Watches a client until it is removed. */
  add(client: Watched): Effect.Effect<void> {
    return Clock.clockWith((clock) => {
      this.#introductions.set(client.introduction, now(clock))
      this.hear(client, now(clock))
      return this.#fiber === undefined ? this.#start : Effect.void
    })
  }

  /** Notes that a client has said something. */
  hear(client: Watched, time: number): void {
    this.#lines.set(client.silence, time)
  }

  remove({ introduction, silence }: Watched): void {
    introduction.cancel()
    silence.cancel()
    if (this.#lines.size + this.#answers.size > 0) return
    this.#fiber?.interruptUnsafe()
    this.#fiber = undefined
  }

  // The fiber of a client starts it. It outlives that client, and knows from it the server that closes.
  readonly #start: Effect.Effect<void> = Effect.suspend(() =>
    Effect.raceFirst(Effect.forever(this.#look), Server.draining).pipe(
      Effect.andThen(Effect.suspend(() => {
        this.#fiber = undefined
        return this.#endAll([...this.#lines.all, ...this.#answers.all], closing)
      })),
      Effect.forkDetach,
      Effect.map((fiber) => {
        this.#fiber = fiber
      })
    )
  )

  readonly #look = Clock.clockWith((clock) => {
    const time = now(clock)
    const late = this.#introductions.takeDue(time).filter(({ member }) => !member.introduced)
    const silent = this.#answers.takeDue(time)
    const pinged = this.#lines.takeDue(time)
    for (const client of pinged) this.#answers.set(client.silence, time)
    // A client that comes meanwhile may be due before those that are here. It waits a millisecond at least, also for no time.
    const added = Math.max(1, Math.min(this.#introductions.after, this.#lines.after))
    const next = Math.min(this.#introductions.next, this.#lines.next, this.#answers.next)
    const pause = Math.min(added, next - time)
    return this.#endAll(late, tooLate).pipe(
      Effect.andThen(this.#endAll(silent, tooSilent)),
      Effect.andThen(Effect.forEach(pinged, ({ member }) => tell(member, this.#ping), { discard: true })),
      Effect.andThen(Effect.sleep(pause))
    )
  })

  get #ping(): Line.Line {
    return Line.Ping({ seconds: this.#answers.after / 1000 })
  }

  #endAll(clients: ReadonlyArray<Watched>, parting: Parting): Effect.Effect<void> {
    return Effect.forEach(clients, (client) => client.end(parting), { discard: true })
  }
}

const tooLate = new Parting({ farewell: "you took neither a name nor a room in time: goodbye", why: undefined })

const tooSilent = new Parting({ farewell: "nothing was heard of you: goodbye", why: "silent" })

const closing = new Parting({ farewell: "the server closes: goodbye", why: undefined })
