import type * as NetworkError from "@sluice/core/NetworkError"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import { toNode } from "./address.ts"
import type { BoundSocket } from "./facade/boundSocket.ts"

/** The socket that a listener wants. */
export type Wanted =
  | { readonly type: "tcp"; readonly host: string; readonly port: number; readonly ipv6Only: boolean }
  | { readonly type: "unix"; readonly path: string; readonly mode: number | undefined }
  | { readonly type: "inherited"; readonly socket: number | string | undefined }

/** A socket that another process has bound; with its path, if it is a Unix-domain socket. */
export interface Obtained {
  readonly socket: BoundSocket
  readonly path: string | undefined
}

/** Provides bound sockets to listeners, which then do not bind their own. */
export interface SocketSource {
  readonly obtain: (where: string, wanted: Wanted) => Effect.Effect<Obtained, NetworkError.NetworkError>
}

/** The source of the sockets of listeners. Default: none; each listener binds its own socket. */
export const CurrentSocketSource: Context.Reference<SocketSource | undefined> = Context.Reference<
  SocketSource | undefined
>("@sluice/node/SocketSource", { defaultValue: () => undefined })

/** The socket of an address. */
export const wantedAt = (
  address: NetAddress.SocketAddress,
  settings: { readonly ipv6Only: boolean; readonly mode: number | undefined }
): Wanted =>
  NetAddress.isUnixPathAddress(address)
    ? { type: "unix", path: address.path, mode: settings.mode }
    : { type: "tcp", host: toNode(address), port: address.port, ipv6Only: settings.ipv6Only }
