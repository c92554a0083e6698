import type * as Connection from "@sluice/core/Connection"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Options from "@sluice/core/Options"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import type * as Net from "node:net"
import type { Duplex } from "node:stream"
import type * as NodeDuplex from "../../NodeDuplex.ts"
import { fromNode } from "../address.ts"
import { DuplexTransport } from "./duplexTransport.ts"

export const makeConnection = Effect.fnUntraced(function*(
  duplex: Duplex,
  options: NodeDuplex.ConnectionOptions
): Effect.fn.Return<Connection.Connection, NetworkError.NetworkError, Scope.Scope> {
  const closeTimeout = yield* Effect.fromResult(Options.checked("configure", "a Duplex", () => {
    if (duplex.readableObjectMode || duplex.writableObjectMode) {
      Options.reject("objectMode", true, "a Duplex of bytes")
    }
    return Options.duration("closeTimeout", options.closeTimeout ?? 2_000)
  }))
  const { localAddress, localPort, remoteAddress, remotePort } = duplex as Partial<Net.Socket>
  const transport = new DuplexTransport(duplex, {
    localAddress: options.localAddress ?? addressOf(localAddress, localPort),
    remoteAddress: options.remoteAddress ?? addressOf(remoteAddress, remotePort),
    closeTimeout
  })
  return yield* Transport.makeConnection(transport, { closeTimeout })
})

const addressOf = (host: string | undefined, port: number | undefined): NetAddress.SocketAddress =>
  typeof host === "string" && typeof port === "number" ? fromNode(host, port) : NetAddress.unixPathAddress("")
