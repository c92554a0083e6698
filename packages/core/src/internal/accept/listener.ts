import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import type * as AcceptPolicy from "../../AcceptPolicy.ts"
import type * as Listener from "../../Listener.ts"
import * as NetworkError from "../../NetworkError.ts"
import type * as Transport from "../../Transport.ts"
import { ConnectionState } from "../connection/state.ts"
import { makeTraffic } from "../connection/traffic.ts"
import type { ContextCache } from "../tls/contextCache.ts"
import type { Gate } from "./accessControl.ts"
import type { Admission, AdmissionReceiver } from "./handshakePhase.ts"

export const typeId = "~@sluice/core/Listener"

interface ListenerOptions {
  readonly backlog: number
  /** In milliseconds. */
  readonly closeTimeout: number
}

/**
 * A listening socket: connections that the platform has accepted and that were admitted wait here, unread, until somebody
 * takes them. No more of them, with those on their way, than the backlog; what comes above that, or may not connect, is
 * reset and counted as refused.
 */
export class ListenerState implements Listener.Listener, Transport.ListenerReceiver, AdmissionReceiver {
  readonly [typeId]: typeof typeId = typeId
  readonly traffic = makeTraffic()
  readonly endpoint: string
  readonly gate: Gate
  readonly #options: ListenerOptions
  readonly #security: ContextCache
  readonly #admission: Admission
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
  /** Hears of connections that were not admitted, and are closed. */
  onHandshakeError: (error: NetworkError.NetworkError, transport: Transport.StreamTransport) => void = () => {
    this.traffic.handshakesFailed++
  }

  /** Hears of connections that are turned away. */
  onRefused: (transport: Transport.StreamTransport, why: AcceptPolicy.Refusal) => void = () => {}

  constructor(
    endpoint: string,
    options: ListenerOptions,
    gate: Gate,
    security: ContextCache,
    admission: Admission
  ) {
    this.endpoint = endpoint
    this.gate = gate
    this.#options = options
    this.#security = security
    this.#admission = admission
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
    if (this.#waiting.length + this.#admission.size >= this.#options.backlog) {
      const stalled = this.#admission.dropOldest()
      if (stalled !== undefined) this.#countRefused(stalled, "backlog")
    }
    this.#admission.admit(transport, this)
  }

  onAdmitted(transport: Transport.StreamTransport): void {
    this.#waiting.push(transport)
    this.onArrival()
  }

  #refusal(transport: Transport.StreamTransport): AcceptPolicy.Refusal | undefined {
    if (this.#closed) return "closing"
    return this.#waiting.length >= this.#options.backlog ? "backlog" : this.gate.refusal(transport)
  }

  #turnAway(transport: Transport.StreamTransport, why: AcceptPolicy.Refusal): void {
    this.#countRefused(transport, why)
    transport.reset()
  }

  #countRefused(transport: Transport.StreamTransport, why: AcceptPolicy.Refusal): void {
    this.traffic.refused[why]++
    this.onRefused(transport, why)
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
    const { closeTimeout } = this.#options
    return new ConnectionState(transport, {
      closeTimeout,
      traffic: this.traffic,
      security: this.#security,
      role: "server"
    })
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
      this.#admission.close()
      while (this.#waiting.length > 0) this.refuse("closing")
      const acceptors = this.#acceptors
      this.#acceptors = []
      for (const acceptor of acceptors) acceptor()
      return this.#transport?.close ?? Effect.void
    })
  }
}
