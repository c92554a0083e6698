import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type * as NodeDuplex from "../../NodeDuplex.ts"
import { type At, type ConnectArguments, readArguments } from "./connectArguments.ts"
import { DuplexSocket } from "./duplexSocket.ts"
import { toNodeError } from "./nodeError.ts"

type Open = (socket: DuplexSocket, to: ConnectArguments) => void

/** A socket that connects when it is told to, as `new net.Socket()` does. */
class ClientSocket extends DuplexSocket {
  readonly #open: Open
  readonly #at: At

  constructor(open: Open, at: At, options: NodeDuplex.SocketOptions) {
    super(options)
    this.#open = open
    this.#at = at
  }

  connect(...args: ReadonlyArray<unknown>): this {
    const to = readArguments(args, this.#at)
    if (to.onConnect !== undefined) this.once("connect", to.onConnect)
    if (this.connecting) return this
    this.connecting = true
    // Connecting can fail synchronously, before the caller has added listeners.
    process.nextTick(() => {
      if (this.connecting) this.#open(this, to)
    })
    return this
  }
}

export const makeConnector = (
  connectOptions: SocketOptions.ConnectOptions,
  at: At = connectOptions.tls === undefined ? Endpoint.tcp : Endpoint.tls
): Effect.Effect<NodeDuplex.Connector, never, Network.Network | Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<Network.Network>()
    const run = Effect.runForkWith(context)

    const open: Open = (socket, { endpoint, local }) => {
      const own = Scope.forkUnsafe(scope)
      const close = (how: "end" | "reset") => void run(Scope.close(own, how === "end" ? Exit.void : Exit.interrupt()))
      const connecting = run(
        Scope.provide(Network.connect(endpoint, { ...connectOptions, ...local }), own).pipe(
          Effect.match({
            onFailure: (error: NetworkError.NetworkError) => {
              close("end")
              socket.destroy(toNodeError(error))
            },
            onSuccess: (connection) => socket.attach(connection, { close })
          })
        )
      )
      socket.once("close", () => {
        if (connecting.pollUnsafe() === undefined) run(Fiber.interrupt(connecting)).addObserver(() => close("reset"))
      })
    }

    const create: NodeDuplex.Connector["create"] = (options = {}) => new ClientSocket(open, at, options)
    const connect = ((...args: ReadonlyArray<unknown>) => {
      const { options } = readArguments(args, at)
      const socket = new ClientSocket(open, at, options)
      if (options.timeout) socket.setTimeout(options.timeout)
      return socket.connect(...args)
    }) as NodeDuplex.Connector["connect"]
    return { connect, create }
  })
