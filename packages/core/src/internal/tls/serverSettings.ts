import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type * as NetworkError from "../../NetworkError.ts"
import type * as Tls from "../../Tls.ts"
import { checkServer } from "./options.ts"
import type { TlsServer } from "./settings.ts"

/** The settings of a server, which may change while it runs. */
export interface ServerSettings {
  readonly current: TlsServer
  /** Prepares the settings, and each later version before it becomes current, while the Scope is open. */
  readonly use: (prepare: Prepare) => Effect.Effect<void, NetworkError.NetworkError, Scope.Scope>
  /** The current settings, prepared; or the previous ones, where these prove unusable only now. */
  readonly prepared: (prepare: Prepare) => Effect.Effect<TlsServer, NetworkError.NetworkError>
}

/** Prepares settings, or fails with the reason why they cannot be used. */
export type Prepare = (settings: TlsServer) => Effect.Effect<unknown, NetworkError.NetworkError>

export const reloadingTypeId = "~@sluice/core/Tls/Reloading"

/** The settings that a server's options stand for. */
export const settingsOf = (options: Tls.ServerOptions | Tls.Reloading): ServerSettings => {
  if (Predicate.hasProperty(options, reloadingTypeId)) return options as Tls.Reloading & ServerSettings
  const current = checkServer(options as Tls.ServerOptions)
  return {
    current,
    use: (prepare) => Effect.asVoid(prepare(current)),
    prepared: (prepare) => Effect.as(prepare(current), current)
  }
}
