import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as NetworkError from "../../NetworkError.ts"
import { checked, duration } from "../../Options.ts"
import type * as Transport from "../../Transport.ts"
import { type ConnectionState, scoped } from "../connection/state.ts"
import { makeTraffic } from "../connection/traffic.ts"
import { CurrentNumbers } from "../naming/numbers.ts"
import { ContextCache } from "../tls/contextCache.ts"

/** Validates the `closeTimeout` of a connection without a network, in milliseconds. */
export const checkCloseTimeout = (
  what: string,
  closeTimeout: Duration.Input = 2_000
): Result.Result<number, NetworkError.NetworkError> =>
  checked("configure", what, () => duration("closeTimeout", closeTimeout))

// Only a network can upgrade connections.
const noSecurity = new ContextCache({
  secure: (_, address) => {
    const reason = new NetworkError.Unsupported({ feature: "TLS on a connection that no Network opened" })
    return Effect.fail(NetworkError.make("secure", address, reason))
  }
})

/** Makes a connection of a transport that no network has opened. No metric counts it, and it cannot be upgraded to TLS. */
export const standalone = (
  transport: Transport.StreamTransport,
  closeTimeout: number,
  scope: Scope.Scope
): Effect.Effect<ConnectionState> =>
  Effect.flatMap(
    CurrentNumbers,
    (numbers) =>
      scoped(transport, { closeTimeout, traffic: makeTraffic(), security: noSecurity, numbers, role: "client" }, scope)
  )
