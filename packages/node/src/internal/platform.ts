import type * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import type * as AddressResolver from "effect/net/AddressResolver"
import { bind } from "./bind.ts"
import { connect } from "./connect.ts"
import { shortage } from "./descriptors.ts"
import { inherit } from "./inherit.ts"
import { listen } from "./listen.ts"
import type * as TlsContext from "./tls/context.ts"

/** Node's sockets as a platform. Without `reuseReadBuffer` the input comes by `data` events, as on a Node without it. */
export const makePlatform = (
  resolver: AddressResolver.AddressResolver["Service"],
  { reuseReadBuffer }: { readonly reuseReadBuffer: boolean }
): Transport.Platform => ({
  resolver,
  connect: (address, settings) => connect(address, settings, reuseReadBuffer),
  listen: (address, settings, receiver) => listen(address, settings, receiver, reuseReadBuffer),
  inherit: (socket, settings, receiver) => inherit(socket, settings, receiver, reuseReadBuffer),
  bind,
  secure: (settings, address) => Effect.flatMap(loadTls(address), (context) => context.secure(settings, address))
})

// Loaded by the first endpoint that needs it: it would double the start-up time of programs without TLS.
let tls: typeof TlsContext | undefined

const loadTls = (address: string): Effect.Effect<typeof TlsContext, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    if (tls !== undefined) return Effect.succeed(tls)
    const failure = (error: unknown) => Transport.systemError({ operation: "secure", address, error })
    // Node 22 never loads a module again that it once could not read.
    const lacking = shortage(16)
    if (lacking !== undefined) return Effect.fail(failure(lacking))
    return Effect.tryPromise({ try: async () => tls = await import("./tls/context.ts"), catch: failure }).pipe(
      // Any other failure means that the installation is broken.
      Effect.catch((error) => error.reason._tag === "TooManyOpenFiles" ? Effect.fail(error) : Effect.die(error.cause))
    )
  })
