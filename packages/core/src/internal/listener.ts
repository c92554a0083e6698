import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import type * as AcceptPolicy from "../AcceptPolicy.ts"
import type * as Listener from "../Listener.ts"
import * as NetworkError from "../NetworkError.ts"
import type * as SocketOptions from "../SocketOptions.ts"
import type * as Transport from "../Transport.ts"
import { makeTraffic } from "./activity.ts"
import { ConnectionState } from "./connection.ts"
import type { Gate } from "./gate.ts"

export const typeId = "~@sluice/core/Listener"

/**
 * A listening socket: connections that the platform has accepted wait here, unread, until somebody takes them. No more of
 * them than the backlog; what comes above that, or may not connect, is reset and counted as refused.
 */
export class ListenerState implements Listener.Listener, Transport.ListenerReceiver {
  readonly [typeId]: typeof typeId = typeId
  readonly traffic = makeTraffic()
  readonly endpoint: string
  readonly gate: Gate
  readonly #options: SocketOptions.Listen
  readonly #waiting: Array<Transport.StreamTransport> = []
  #acceptors: Array<() => void> = []
  #transport: Transport.ListenerTransport | undefined = undefined
  #closed = false
  /** Hears of every connection that comes to wait here, so that it can be taken at once. */
  onArrival: () => void = () => this.#acceptors.shift()?.()
  /** Hears of connections that could not be accepted. */
  onAcceptError: (error: NetworkError.NetworkError) => void = () => {
    this.traffic.failed++
  }

  /** Hears of connections that are turned away. */
  onRefused: (transport: Transport.StreamTransport, why: AcceptPolicy.Refusal) => void = () => {}

  constructor(endpoint: string, options: SocketOptions.Listen, gate: Gate) {
    this.endpoint = endpoint
    this.gate = gate
    this.#options = options
  }

  open(transport: Transport.ListenerTransport): void {
    this.#transport = transport
  }

  get address(): NetAddress.SocketAddress {
    return this.#transport!.address
  }

  onConnection(transport: Transport.StreamTransport): void {
    const why = this.#refusal(transport)
    if (why !== undefined) return this.#turnAway(transport, why)
    this.#waiting.push(transport)
    this.onArrival()
  }

  #refusal(transport: Transport.StreamTransport): AcceptPolicy.Refusal | undefined {
    if (this.#closed) return "closing"
    return this.#waiting.length >= this.#options.backlog ? "backlog" : this.gate.refusal(transport)
  }

  #turnAway(transport: Transport.StreamTransport, why: AcceptPolicy.Refusal): void {
    this.traffic.refused[why]++
    this.onRefused(transport, why)
    transport.reset()
  }

  /** Waits until a connection waits, or the listener is closed. */
  readonly ready: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.#closed || this.#waiting.length > 0) return resume(Effect.void)
    const acceptor = () => resume(Effect.void)
    this.#acceptors.push(acceptor)
    return Effect.sync(() => {
      this.#acceptors = this.#acceptors.filter((each) => each !== acceptor)
    })
  })

  /** The connection whose turn it is, if one waits. */
  get next(): Transport.StreamTransport | undefined {
    return this.#waiting[0]
  }

  /** Takes a waiting connection, if one is: the caller sees to its closing. */
  take(): ConnectionState | undefined {
    const transport = this.#waiting.shift()
    if (transport === undefined) return undefined
    this.traffic.accepted++
    return new ConnectionState(transport, this.#options.closeTimeout, this.traffic)
  }

  /** Refuses a waiting connection, if one is. */
  refuse(why: AcceptPolicy.Refusal): void {
    const transport = this.#waiting.shift()
    if (transport !== undefined) this.#turnAway(transport, why)
  }

  acceptIn(
    scope: Scope.Scope,
    restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  ): Effect.Effect<ConnectionState, NetworkError.NetworkError> {
    return Effect.flatMap(restore(this.ready), () => {
      const connection = this.take()
      if (connection !== undefined) {
        return Effect.as(Scope.addFinalizerExit(scope, (exit) => connection.close(exit)), connection)
      }
      return this.#closed
        ? Effect.fail(NetworkError.make("accept", this.endpoint, new NetworkError.Closed()))
        : this.acceptIn(scope, restore)
    })
  }

  /** Stops listening. Connections that nobody has taken are reset. */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#closed) return Effect.void
      this.#closed = true
      while (this.#waiting.length > 0) this.refuse("closing")
      const acceptors = this.#acceptors
      this.#acceptors = []
      for (const acceptor of acceptors) acceptor()
      return this.#transport?.close ?? Effect.void
    })
  }
}
