import * as Endpoint from "@sluice/core/Endpoint"
import * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type * as NodeDuplex from "../../NodeDuplex.ts"
import { DuplexSocket } from "./duplexSocket.ts"
import { toNodeError } from "./nodeError.ts"

/** Makes an endpoint, TCP or TLS, of a host and a port. */
type At = (host: string, port: number) => Endpoint.Input

type Open = (socket: DuplexSocket, endpoint: Endpoint.Input) => void

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
    const { endpoint, onConnect } = readArguments(args, this.#at)
    if (onConnect !== undefined) this.once("connect", onConnect)
    this.connecting = true
    this.#open(this, endpoint)
    return this
  }
}

/** Reads the arguments that `net.connect` takes: options, a port and a host, or a path; and a callback. */
const readArguments = (
  args: ReadonlyArray<unknown>,
  at: At
): { readonly endpoint: Endpoint.Input; readonly onConnect: (() => void) | undefined } => {
  // Some libraries call with what others call with, as one array.
  const [first, second] = Array.isArray(args[0]) ? args[0] as ReadonlyArray<unknown> : args
  const last = args.at(-1)
  const onConnect = typeof last === "function" ? last as () => void : undefined
  const options = (typeof first === "object" && first !== null
    ? first
    : typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first))
    ? { port: first, host: typeof second === "string" ? second : undefined }
    : { path: first }) as { readonly port?: number; readonly host?: string | null; readonly path?: string | null }
  // Options of node:http have the path of the request. It is a socket's path only where there is no port.
  return {
    endpoint: options.port === undefined || options.port === null
      ? `unix://${options.path ?? ""}`
      : at((options.host ?? "localhost").replace(/^\[|\]$/g, ""), Number(options.port)),
    onConnect
  }
}

export const makeConnector = (
  connectOptions: SocketOptions.ConnectOptions,
  at: At = Endpoint.tcp
): Effect.Effect<NodeDuplex.Connector, never, Network.Network | Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<Network.Network>()
    const run = Effect.runForkWith(context)

    const open: Open = (socket, endpoint) => {
      const own = Scope.forkUnsafe(scope)
      const close = (how: "end" | "reset") => void run(Scope.close(own, how === "end" ? Exit.void : Exit.interrupt()))
      const connecting = run(
        Scope.provide(Network.connect(endpoint, connectOptions), own).pipe(
          Effect.match({
            onFailure: (error: NetworkError.NetworkError) => void socket.destroy(toNodeError(error)),
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
      const [options] = args
      return new ClientSocket(open, at, typeof options === "object" && options !== null ? options : {}).connect(...args)
    }) as NodeDuplex.Connector["connect"]
    return { connect, create }
  })
