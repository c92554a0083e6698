import type * as Network from "@sluice/core/Network"
import * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import { once } from "node:events"
import * as Net from "node:net"
import * as NodeDuplex from "../../src/NodeDuplex.ts"

/** What scenarios play on: Node's sockets, or Sluice's in their place. */
export interface Stage {
  /** Serves connections, and gives the port. */
  readonly listen: (onSocket: (socket: Net.Socket) => void, options?: Net.ServerOpts) => Promise<number>
  readonly connect: typeof Net.connect
  readonly create: (options?: Net.SocketConstructorOpts) => Net.Socket
}

export const nodeStage: Effect.Effect<Stage, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  return {
    listen: async (onSocket, options = {}) => {
      const server = Net.createServer(options, onSocket)
      await Effect.runPromise(Scope.addFinalizer(scope, Effect.sync(() => server.close())))
      await once(server.listen(0, "127.0.0.1"), "listening")
      return (server.address() as Net.AddressInfo).port
    },
    connect: Net.connect,
    create: (options) => new Net.Socket(options)
  }
})

export const sluiceStage: Effect.Effect<Stage, never, Network.Network | Scope.Scope> = Effect.gen(function*() {
  const run = Effect.runPromiseWith(yield* Effect.context<Network.Network | Scope.Scope>())
  const { connect, create } = yield* NodeDuplex.connector()
  return {
    listen: async (onSocket, options = {}) => {
      const server = new Net.Server(options, onSocket)
      const { address } = await run(Server.make({ listen: "tcp://127.0.0.1:0", drain: 0 }, NodeDuplex.serve(server)))
      return (address as NetAddress.InetAddress).port
    },
    connect: connect as unknown as typeof Net.connect,
    create: create as unknown as Stage["create"]
  }
})
