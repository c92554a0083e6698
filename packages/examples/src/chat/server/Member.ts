/** A connected user: what they are called, where they are, and what waits to be sent to them. */
import * as Subscription from "@sluice/core/Subscription"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Line from "../protocol/Line.ts"
import type { Name } from "../protocol/Name.ts"
import type * as Wire from "../protocol/Wire.ts"
import type { Whereabouts } from "./elsewhere/Elsewhere.ts"
import * as Lookalike from "./Lookalike.ts"
import type { Room } from "./Room.ts"

export interface Member {
  name: Name
  /** Whether they have chosen a name or entered a room. */
  introduced: boolean
  /** The room that they are in, and the Scope of their stay there. */
  stay: { readonly room: Room; readonly scope: Scope.Closeable } | undefined
  /** Another connection that presents it takes the name over. */
  token: Redacted.Redacted<string> | undefined
  readonly wire: Wire.Wire
  /** A permit for each of their lines that is being kept. Made for the first. */
  keeping: Semaphore.Semaphore | undefined
  /** What they are sent comes in one order, whichever member sends it. */
  readonly subscription: Subscription.Subscription<Uint8Array>
}

const mostKeeping = 64

/** Where a member is, for other servers. */
export const whereabouts = ({ name, stay }: Member): Whereabouts => ({
  name,
  room: stay && { key: Lookalike.key(stay.room.name), name: stay.room.name }
})

/** A member who is in no room yet. */
export const make = (
  name: Name,
  wire: Wire.Wire,
  subscription: Subscription.Subscription<Uint8Array>
): Member => ({
  name,
  introduced: false,
  stay: undefined,
  token: undefined,
  wire,
  keeping: undefined,
  subscription
})

/**
 * Starts to keep a line of a member, and waits only while `mostKeeping` of theirs are being kept: so lines of one member can
 * be written together.
 */
export const keep = (member: Member, keeping: Effect.Effect<void>): Effect.Effect<void> => {
  const permits = member.keeping ??= Semaphore.makeUnsafe(mostKeeping)
  return permits.take(1).pipe(
    Effect.andThen(Effect.forkChild(Effect.ensuring(keeping, permits.release(1)), { startImmediately: true })),
    Effect.asVoid,
    Effect.uninterruptible
  )
}

/** Runs an effect once all lines of a member are kept, so that it comes after them. */
export const settled = <A, E, R>(member: Member, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => member.keeping?.withPermits(mostKeeping)(effect) ?? effect)

/** Says something to one member alone. */
export const tell = (member: Member, line: Line.Line): Effect.Effect<boolean> =>
  Subscription.offer(member.subscription, member.wire.encode(line))

/** Says the last words to a member, whose connection ends once they are written. */
export const dismiss = Effect.fnUntraced(function*(member: Member, { farewell, isFinal = false }: Parting) {
  yield* tell(member, Line.Notice({ text: farewell }))
  const ending = member.wire.ending(isFinal)
  if (ending !== undefined) yield* Subscription.offer(member.subscription, ending)
  yield* Subscription.end(member.subscription)
})

/** Why a client is no longer served: what it is told itself, and what the room is told. */
export class Parting extends Data.TaggedError("Parting")<{
  readonly farewell: string
  /** `undefined`: the room is not told. */
  readonly why: string | undefined
  /** Whether the client should not reconnect by itself. Default: `false`. */
  readonly isFinal?: boolean
}> {}
