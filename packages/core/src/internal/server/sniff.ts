import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as NetworkError from "../../NetworkError.ts"
import { checked, duration, integer } from "../../Options.ts"
import type * as Server from "../../Server.ts"
import { peekAtMost } from "../connection/lookAhead.ts"
import { stateOf } from "../connection/state.ts"

type Matches = (first: Uint8Array) => boolean | undefined

interface Candidate {
  readonly matches: Matches
  readonly handler: Server.Handler<unknown, unknown>
}

/** Runs the handler of the protocol that the first bytes begin. The public function has its types. */
export const sniff = (
  options: Server.SniffOptions<ReadonlyArray<Server.Protocol<unknown, unknown>>, unknown, unknown>
): Server.Handler<unknown, unknown> => {
  const { otherwise } = options
  const candidates = options.protocols.map(({ begins, handler }): Candidate => ({ matches: matcher(begins), handler }))
  const settings = check(options)
  const final = (first: Uint8Array) => decide(candidates, first)?.handler ?? otherwise
  return (connection) => {
    if (Result.isFailure(settings)) return Effect.fail(settings.failure)
    const { limit, timeout } = settings.success
    const state = stateOf(connection)
    const look = (seen: Uint8Array): Effect.Effect<Server.Handler<unknown, unknown>, NetworkError.NetworkError> => {
      if (seen.length >= limit) return Effect.succeed(final(seen))
      const decided = choose(candidates, seen)
      if (decided !== "undecided") return Effect.succeed(decided?.handler ?? otherwise)
      return Effect.flatMap(
        peekAtMost(state, seen.length + 1, limit),
        (first) => first.length > seen.length ? look(first) : Effect.succeed(final(first))
      )
    }
    return look(none).pipe(
      Effect.timeoutOrElse({
        duration: Duration.millis(timeout),
        orElse: () => Effect.map(peekAtMost(state, 0, limit), final)
      }),
      Effect.flatMap((handler) => handler(connection))
    )
  }
}

/** The first that matches, unless one before it may still match. */
const choose = (candidates: ReadonlyArray<Candidate>, first: Uint8Array): Candidate | "undecided" | undefined => {
  for (const candidate of candidates) {
    const matches = candidate.matches(first)
    if (matches === true) return candidate
    if (matches === undefined) return "undecided"
  }
  return undefined
}

/** The first that matches, where no more bytes will be looked at. */
const decide = (candidates: ReadonlyArray<Candidate>, first: Uint8Array): Candidate | undefined =>
  candidates.find(({ matches }) => matches(first) === true)

const matcher = (begins: Server.Protocol<unknown, unknown>["begins"]): Matches => {
  if (typeof begins === "function") return begins
  const prefix = typeof begins === "string" ? encoder.encode(begins) : new Uint8Array(begins)
  return (first) => {
    const length = Math.min(first.length, prefix.length)
    for (let at = 0; at < length; at++) if (first[at] !== prefix[at]) return false
    return length === prefix.length ? true : undefined
  }
}

const check = (
  options: Server.SniffOptions<ReadonlyArray<Server.Protocol<unknown, unknown>>, unknown, unknown>
): Result.Result<{ readonly limit: number; readonly timeout: number }, NetworkError.NetworkError> =>
  checked("configure", "Server.sniff", () => ({
    limit: integer("limit", options.limit ?? 1024, 1, 65_536),
    timeout: duration("timeout", options.timeout ?? "10 seconds", 1)
  }))

const none = new Uint8Array(0)
const encoder = new TextEncoder()
