/** Somebody who is connected: what they are called, where they are, and what waits to be sent to them. */
import * as Subscription from "@sluice/core/Subscription"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Line from "../protocol/Line.ts"
import type { Name } from "../protocol/Name.ts"
import * as Wire from "../protocol/Wire.ts"
import type { Room } from "./Room.ts"

export interface Member {
  name: Name
  /** The room that they are in, and the Scope of their stay there. */
  stay: { readonly room: Room; readonly scope: Scope.Closeable } | undefined
  /** What they are sent comes in one order, whoever sends it. */
  readonly subscription: Subscription.Subscription<Uint8Array>
}

/** Says something to one member alone. */
export const tell = (member: Member, line: Line.Line): Effect.Effect<boolean> =>
  Subscription.offer(member.subscription, Wire.encode(line))

/** Why a client is no longer served: what it is told itself, and what the room is told. */
export class Parting extends Data.TaggedError("Parting")<{
  readonly farewell: string
  /** Nothing: the room is not told. */
  readonly why: string | undefined
}> {}
