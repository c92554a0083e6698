import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Socket from "effect/socket/Socket"
import * as Connection from "../../Connection.ts"
import { checked, reject } from "../../Options.ts"
import type * as Tls from "../../Tls.ts"
import type { ConnectionState, Role } from "../connection/state.ts"
import { once } from "../tls/options.ts"
import { upgradeError } from "./socketError.ts"

/** Makes the connection of a Socket secure. As Effect's own do, it takes the side of TLS that it has of the connection. */
export const upgrade = (
  connection: ConnectionState,
  options: Socket.TlsUpgradeOptions = noOptions
): Effect.Effect<void, Socket.SocketError> =>
  Effect.fromResult(checked("secure", connection.peer, () => translate[connection.options.role](options))).pipe(
    Effect.flatMap((translated) => Connection.upgradeTls(connection, translated)),
    Effect.mapError(upgradeError),
    Effect.asVoid
  )

const noOptions: Socket.TlsUpgradeOptions = {}

const clients = new WeakMap<Socket.TlsUpgradeOptions, Connection.UpgradeOptions>()
const servers = new WeakMap<Socket.TlsUpgradeOptions, Connection.UpgradeOptions>()

// Once for each value, as with the options of `Tls`: what is made of them is shared, too.
const translate: { readonly [R in Role]: (options: Socket.TlsUpgradeOptions) => Connection.UpgradeOptions } = {
  client: (options) =>
    once(clients, options, () => {
      const [certificate, ...others] = certificates(options)
      if (others.length > 0) {
        reject("cert.length", others.length + 1, "one certificate at most, on the side that connected")
      }
      return {
        role: "client",
        tls: {
          ...common(options),
          certificate,
          serverName: options.servername,
          dangerouslySkipVerification: options.rejectUnauthorized === false
        }
      }
    }),
  server: (options) =>
    once(servers, options, () => {
      const [certificate, ...others] = certificates(options)
      if (certificate === undefined) {
        return reject("cert", undefined, "what to show, with its key, on the side that has accepted the connection")
      }
      const clientCertificates = options.requestCert !== true
        ? "off"
        : options.rejectUnauthorized === false
        ? "wanted"
        : "required"
      return {
        role: "server",
        tls: { ...common(options), certificates: [certificate, ...others], clientCertificates }
      }
    })
}

const common = ({ alpnProtocols, ca }: Socket.TlsUpgradeOptions): Tls.CommonOptions => ({
  authorities: ca === undefined ? undefined : Arr.ensure(ca).map(text),
  applicationProtocols: alpnProtocols
})

const certificates = (options: Socket.TlsUpgradeOptions): ReadonlyArray<Tls.Certificate> => {
  const chains = options.cert === undefined ? [] : Arr.ensure(options.cert)
  const keys = options.key === undefined ? [] : Arr.ensure(options.key)
  if (chains.length !== keys.length) reject("key.length", keys.length, `${chains.length}: one key for each \`cert\``)
  return chains.map((chain, index) => ({
    chain: text(chain),
    key: Redacted.make(text(Redacted.value(keys[index]!))),
    passphrase: options.passphrase
  }))
}

const decoder = new TextDecoder()

const text = (pem: string | Uint8Array): string => typeof pem === "string" ? pem : decoder.decode(pem)
