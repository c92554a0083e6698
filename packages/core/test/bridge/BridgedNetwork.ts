import * as Endpoint from "@sluice/core/Endpoint"
import * as Listener from "@sluice/core/Listener"
import * as Network from "@sluice/core/Network"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as AddressResolver from "effect/net/AddressResolver"
import * as Dns from "effect/net/Dns"
import * as Scope from "effect/Scope"
import { fromSide, SocketSide } from "../../src/internal/bridge/socketSide.ts"
import { SocketTransport } from "../../src/internal/bridge/socketTransport.ts"
import { type ConnectionState, stateOf } from "../../src/internal/connection/state.ts"

const noNames = Dns.make({
  lookup: () => Effect.die("no names here"),
  reverse: () => Effect.die("no names here"),
  resolve: () => Effect.die("no names here")
} as never)

// To a Socket, and from it back to a transport.
const bridged = Effect.fnUntraced(function*(connection: ConnectionState) {
  const socket = fromSide(new SocketSide(connection))
  const readerScope = Scope.makeUnsafe()
  const writerScope = Scope.makeUnsafe()
  return new SocketTransport({
    reader: yield* Effect.orDie(Scope.provide(socket.reader, readerScope)),
    readerScope,
    writer: yield* Scope.provide(socket.writer, writerScope),
    writerScope,
    context: yield* Effect.context<never>(),
    localAddress: connection.transport.localAddress,
    remoteAddress: connection.transport.remoteAddress,
    halfOpen: true,
    closeTimeout: connection.options.closeTimeout
  })
})

/** A network each of whose connections is one of another network's, as a Socket of Effect's, as a connection again. */
export const layer: Layer.Layer<Network.Network, never, Network.Network> = Layer.effect(Network.Network)(
  Effect.gen(function*() {
    const network = yield* Network.Network
    return yield* Transport.makeNetwork({
      resolver: AddressResolver.make(noNames),
      connect: (address, options) =>
        Effect.gen(function*() {
          const scope = Scope.makeUnsafe()
          const connection = yield* Scope.provide(
            network.connect(Endpoint.fromAddress(address), { ...options, tls: undefined } as never),
            scope
          )
          return yield* bridged(stateOf(connection))
        }),
      listen: Effect.fnUntraced(function*(address, options, receiver) {
        const scope = Scope.makeUnsafe()
        const listener = yield* Scope.provide(network.listen(Endpoint.fromAddress(address), options as never), scope)
        const accepting = Scope.provide(Listener.accept(listener), Scope.makeUnsafe()).pipe(
          Effect.flatMap((connection) => bridged(stateOf(connection))),
          Effect.map((transport) => receiver.onConnection(transport)),
          Effect.forever,
          Effect.ignore
        )
        yield* Effect.forkIn(accepting, scope, { startImmediately: true })
        return { address: listener.address, close: Scope.close(scope, Exit.void) }
      }),
      secure: () => Effect.die("no TLS here"),
      bind: () => Effect.die("no datagrams here")
    })
  })
)
