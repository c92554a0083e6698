import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Connection from "../../Connection.ts"
import * as NetworkError from "../../NetworkError.ts"
import { checked, duration, reject } from "../../Options.ts"
import type * as Tls from "../../Tls.ts"
import { ClearTextBeforeUpgrade, HandshakeCut } from "../../TlsReason.ts"
import { checkClient, defaultHandshakeTimeout } from "../tls/options.ts"
import { serverNameOf } from "../tls/serverName.ts"
import { settingsOf } from "../tls/serverSettings.ts"
import type { TlsClient, TlsServer } from "../tls/settings.ts"
import { isUpgrading } from "./lifecycle.ts"
import type { ConnectionState } from "./state.ts"

/** Makes a connection secure that began in the clear. */
export const upgrade = Effect.fnUntraced(function*(
  connection: ConnectionState,
  options: Connection.UpgradeOptions
): Effect.fn.Return<Tls.Session, NetworkError.NetworkError> {
  const { options: { dialled, security, upgradeTls }, peer } = connection
  const { serverName, settings, timeout } = yield* Effect.fromResult(checked("secure", peer, () => {
    const timeout = duration("timeout", options.timeout ?? defaultHandshakeTimeout, 1)
    if (options.role === "server") {
      const settings = options.tls === undefined ? upgradeTls : settingsOf(options.tls)
      return settings === undefined
        ? reject("tls", undefined, "the certificates to show, here or as the option upgradeTls of the server")
        : { settings: settings.prepared(security.prepare), timeout }
    }
    const settings = checkClient(options.tls ?? noOptions)
    const serverName = serverNameOf(settings, dialled) ??
      reject("tls.serverName", undefined, "the name of the server, which is known only where a host was connected to")
    return { settings: Effect.succeed(settings), timeout, serverName }
  }))
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const refusal = refuse(connection, options.role)
      if (refusal !== undefined) return yield* Effect.fail(refusal)
      connection.lendTransport()
      const handshake = Effect.flatMap(
        settings as Effect.Effect<TlsClient | TlsServer, NetworkError.NetworkError>,
        (settings) =>
          Effect.flatMap(security.context(settings, { address: peer }), (context) => {
            const cut = cutShort(connection)
            if (cut !== undefined) return Effect.fail(cut)
            const unread = connection.input.takeEarly()
            return context.handshake(connection.transport, { address: peer, serverName, unread })
          })
      )
      const inTime = Effect.timeoutOrElse(handshake, {
        duration: Duration.millis(timeout),
        orElse: () => Effect.fail(connection.error("secure", timedOut(timeout)))
      })
      const secured = yield* restore(inTime).pipe(
        // A defect, too: closing the connection waits for it.
        Effect.onError((cause) =>
          Effect.sync(() => {
            const error = Cause.squash(cause)
            connection.loseTransport(NetworkError.isNetworkError(error) ? error : undefined)
          })
        )
      )
      connection.swapTransport(secured)
      return secured.tls
    })
  )
})

/** Why there is nobody to shake hands with any more, if the connection ended while TLS was prepared. */
const cutShort = (connection: ConnectionState): NetworkError.NetworkError | undefined => {
  if (!isUpgrading(connection.phase)) return connection.failureOf("read")
  return connection.input.isEnded ? connection.error("secure", new HandshakeCut()) : undefined
}

const timedOut = (after: number) => new NetworkError.TimedOut({ deadline: "handshake", after })

const noOptions: Tls.ClientOptions = {}

/** Why a connection cannot be upgraded as it is now, if so. */
const refuse = (
  connection: ConnectionState,
  role: Connection.UpgradeOptions["role"]
): NetworkError.NetworkError | undefined => {
  const { activity, input, output } = connection
  if (connection.refusal !== undefined) return connection.refusal
  const fail = (reason: NetworkError.Reason) => {
    const error = connection.error("secure", reason)
    connection.fail(error)
    return error
  }
  const received = input.available + (connection.decoder?.buffered ?? 0)
  // A server that has read nothing as clear text may have peeked at the ClientHello.
  const isHandshake = role === "server" && connection.isInspected && activity.bytesIn === input.available
  if (received > 0 && !isHandshake) return fail(new ClearTextBeforeUpgrade({ received }))
  if (input.isEnded) return fail(new HandshakeCut())
  // Another fiber reads or writes, and does not know about the upgrade.
  if (input.isWaiting || output.isWaiting || connection.tls !== undefined) {
    return connection.error("secure", new NetworkError.Busy())
  }
  return undefined
}
