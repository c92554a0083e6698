/** The flags of TLS, for servers and for clients, and what is made of them. */
import * as Endpoint from "@sluice/core/Endpoint"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as Tls from "@sluice/core/Tls"
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { BadFlag } from "./BadFlag.ts"
import { path, setting, toggle } from "./setting.ts"

const conflict = (message: string) => Effect.fail(new BadFlag({ message }))

// ---------------------------------------------------------------------------------------------------------------------
// Servers
// ---------------------------------------------------------------------------------------------------------------------

const clientCertificates = ["off", "wanted", "required"] as const

/** `--tls-cert`, `--tls-key`, `--tls-ca` and `--tls-client-cert`. */
export const server = {
  cert: path("tls-cert", "Serve TLS with this certificate chain (PEM file)"),
  key: path("tls-key", "Key of --tls-cert (PEM file)"),
  ca: path("tls-ca", "Authorities for client certificates (PEM file)"),
  clientCert: setting("tls-client-cert", {
    metavar: clientCertificates.join("|"),
    description: "Request (wanted) or require client certificates; default: off",
    expected: "off, wanted or required",
    parse: (text) => Option.fromUndefinedOr(clientCertificates.find((each) => each === text))
  }).pipe(Flag.optional)
}

/** What the flags of `server` hold. */
export type ServerFlags = Command.Command.Config.Infer<typeof server>

/** Where a server listens, and what it shows there: over TLS with `--tls-cert`. */
export const listening = Effect.fnUntraced(function*(endpoint: Endpoint.StreamEndpoint, flags: ServerFlags) {
  if (Option.isSome(flags.cert) || Option.isSome(flags.key)) return yield* serving(yield* secured(endpoint), flags)
  if (isAnyGiven(flags)) return yield* conflict("--tls-ca and --tls-client-cert are of no use without --tls-cert")
  return yield* serving(endpoint, flags)
})

/**
 * The same, at an endpoint that says by itself whether it is over TLS. The files are read again whenever they change, so
 * that new connections get the new certificate.
 */
export const serving = Effect.fnUntraced(function*(
  endpoint: Endpoint.StreamEndpoint,
  flags: ServerFlags
): Effect.fn.Return<
  { readonly listen: Endpoint.StreamEndpoint; readonly tls?: Tls.Reloading },
  BadFlag | NetworkError.NetworkError,
  FileSystem.FileSystem | Scope.Scope
> {
  if (endpoint._tag !== "Tls") return isAnyGiven(flags) ? yield* noUse(endpoint) : { listen: endpoint }
  const certificate = yield* pair(flags)
  if (certificate === undefined) {
    return yield* conflict(`to listen on ${Endpoint.format(endpoint)} takes --tls-cert and --tls-key`)
  }
  const asked = Option.getOrUndefined(flags.clientCert)
  if (Option.isSome(flags.ca) ? asked === undefined : asked !== undefined && asked !== "off") {
    return yield* conflict("--tls-ca and --tls-client-cert go together: who is asked, and who vouches for them")
  }
  const files: Tls.ServerFiles = {
    certificates: [certificate],
    clientCertificates: asked,
    authorities: Option.getOrUndefined(flags.ca)
  }
  return { listen: endpoint, tls: yield* Tls.reloading(files, "watch") }
})

// ---------------------------------------------------------------------------------------------------------------------
// Clients
// ---------------------------------------------------------------------------------------------------------------------

/** `--tls-ca` and whatever else a client can be told; a program that is a server, too, has another prefix for them. */
export const peer = (prefix: string) => ({
  ca: path(`${prefix}-ca`, "Trust these authorities (PEM file) instead of the system's"),
  cert: path(`${prefix}-cert`, "Client certificate (PEM file)"),
  key: path(`${prefix}-key`, `Key of --${prefix}-cert (PEM file)`),
  serverName: setting(`${prefix}-server-name`, {
    metavar: "name",
    description: "Name to request (SNI) and to expect in the certificate; default: the host",
    expected: "a name or an IP address",
    parse: Option.liftPredicate((text) => text !== "")
  }).pipe(Flag.optional),
  pin: setting(`${prefix}-pin`, {
    metavar: "fingerprint",
    description: "Also require this SHA-256 fingerprint",
    expected: "64 hexadecimal digits, with or without colons",
    parse: Option.liftPredicate((text) => /^[\da-f]{64}$/i.test(text.replaceAll(":", "")))
  }).pipe(Flag.optional),
  skipVerification: toggle(
    `${prefix}-insecure-skip-verification`,
    "Accept any certificate (insecure: an attacker can read and change everything)"
  )
})

/** `--tls`, and the flags that it can have. */
export const client = {
  isOn: toggle("tls", "Connect over TLS"),
  ...peer("tls")
}

/** What the flags of `peer` hold. */
export type PeerFlags = Command.Command.Config.Infer<ReturnType<typeof peer>>

/** What the flags of `client` hold. */
export type ClientFlags = Command.Command.Config.Infer<typeof client>

/** Where a client connects, and how. */
export interface Connecting {
  readonly endpoint: Endpoint.StreamEndpoint
  readonly options: SocketOptions.ConnectOptions
}

/** What the flags of `client` mean, for an endpoint in the clear. */
export const connecting = Effect.fnUntraced(function*(
  endpoint: Endpoint.StreamEndpoint,
  { isOn, ...flags }: ClientFlags
): Effect.fn.Return<Connecting, BadFlag | NetworkError.NetworkError, FileSystem.FileSystem> {
  if (isOn) return yield* dialling(yield* secured(endpoint), flags)
  if (isAnyGiven(flags)) return yield* conflict("the flags of TLS are of no use without --tls")
  return yield* dialling(endpoint, flags)
})

/** The same, of an endpoint that says by itself whether it is over TLS. */
export const dialling = Effect.fnUntraced(function*(
  endpoint: Endpoint.StreamEndpoint,
  flags: PeerFlags
): Effect.fn.Return<Connecting, BadFlag | NetworkError.NetworkError, FileSystem.FileSystem> {
  if (endpoint._tag !== "Tls") return isAnyGiven(flags) ? yield* noUse(endpoint) : { endpoint, options: {} }
  const tls = yield* Tls.loadClient({
    authorities: Option.getOrUndefined(flags.ca),
    certificate: yield* pair(flags),
    serverName: Option.getOrUndefined(flags.serverName),
    fingerprints: Option.toArray(flags.pin),
    dangerouslySkipVerification: flags.skipVerification
  })
  return { endpoint, options: { tls } }
})

// ---------------------------------------------------------------------------------------------------------------------
// Both
// ---------------------------------------------------------------------------------------------------------------------

const isAnyGiven = (flags: Readonly<Record<string, Option.Option<unknown> | boolean>>): boolean =>
  Object.values(flags).some((flag) => typeof flag === "boolean" ? flag : Option.isSome(flag))

const noUse = (endpoint: Endpoint.StreamEndpoint) =>
  conflict(`the flags of TLS are of no use for ${Endpoint.format(endpoint)}`)

const pair = ({ cert, key }: Pick<PeerFlags, "cert" | "key">) =>
  Option.isSome(cert) && Option.isSome(key)
    ? Effect.succeed<Tls.CertificateFiles>({ chain: cert.value, key: key.value })
    : Option.isSome(cert) || Option.isSome(key)
    ? conflict("a certificate is of no use without its key, nor a key without its certificate: give both files")
    : Effect.undefined

const secured = (endpoint: Endpoint.StreamEndpoint) =>
  endpoint._tag === "Unix"
    ? conflict("TLS goes over TCP, and not over a Unix-domain socket")
    : Effect.succeed<Endpoint.Tls>({ ...endpoint, _tag: "Tls" })
