import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import type * as Listener from "../../Listener.ts"
import * as NetworkError from "../../NetworkError.ts"
import type * as ServerPolicy from "../../ServerPolicy.ts"
import type * as Transport from "../../Transport.ts"
import type { BufferBudget } from "../budget/bufferBudget.ts"
import { ConnectionState, type Options as ConnectionOptions } from "../connection/state.ts"
import { makeTraffic } from "../connection/traffic.ts"
import type { Numbers } from "../naming/numbers.ts"
import { proxyOf } from "../proxy/proxiedStream.ts"
import type { ContextCache } from "../tls/contextCache.ts"
import type { ServerSettings } from "../tls/serverSettings.ts"
import type { AccessControl } from "./accessControl.ts"
import type { HandshakePhase } from "./handshakePhase.ts"
import type { Peer, Slot } from "./peerCounts.ts"

export const typeId = "~@sluice/core/Listener"

interface ListenerOptions {
  readonly backlog: number
  /** In milliseconds. */
  readonly closeTimeout: number
  readonly upgradeTls: ServerSettings | undefined
  /** Whose PROXY headers are taken, if anyone's. */
  readonly proxyProtocol: { readonly isTrusted: (address: NetAddress.SocketAddress) => boolean } | undefined
}

/** What the connections of a network share. */
export interface Shared {
  readonly security: ContextCache
  readonly budget: BufferBudget
  readonly numbers: Numbers
}

/** Follows what happens to connections before they are served. */
export interface ListenerObserver {
  /** Connections may wait to be taken. */
  readonly onArrival: () => void
  /** A connection was rejected. */
  readonly onRefused: (peer: Peer, why: ServerPolicy.Refusal) => void
  /** A handshake failed; the connection is closed. */
  readonly onHandshakeFailed: (peer: Peer, error: NetworkError.NetworkError) => void
  /** The system could not accept a connection. */
  readonly onAcceptFailed: (error: NetworkError.NetworkError) => void
}

/** A connection that waits to be taken. */
interface Waiting {
  readonly transport: Transport.StreamTransport
  readonly slot: Slot
}

/**
 * A listening socket. Connections that are ready wait here, unread, until someone takes them. Together with the handshakes
 * in progress they are at most as many as the backlog; further ones are reset and counted as refused.
 *
 * While a connection waits here, or its server has no room, further ones are left to the system if the platform can do that:
 * another process may share the socket, and have room.
 */
export class ListenerState implements Listener.Listener, Transport.ListenerReceiver {
  readonly [typeId]: ListenerState = this
  readonly traffic = makeTraffic()
  readonly endpoint: string
  readonly accessControl: AccessControl
  readonly #options: ListenerOptions
  readonly #connectionOptions: ConnectionOptions
  readonly #handshakes: HandshakePhase
  readonly #waiting: Array<Waiting> = []
  // Open while a connection waits, and for good once the listener is closed.
  readonly #ready = Latch.makeUnsafe()
  #transport: Transport.ListenerTransport | undefined = undefined
  #observer: ListenerObserver | undefined = undefined
  #room = Infinity
  #accepting = true
  #stopped = false
  #closed = false

  constructor(
    endpoint: string,
    options: ListenerOptions,
    accessControl: AccessControl,
    shared: Shared,
    handshakes: HandshakePhase
  ) {
    this.endpoint = endpoint
    this.accessControl = accessControl
    this.#options = options
    this.#connectionOptions = {
      ...shared,
      closeTimeout: options.closeTimeout,
      traffic: this.traffic,
      upgradeTls: options.upgradeTls,
      role: "server"
    }
    this.#handshakes = handshakes
  }

  open(transport: Transport.ListenerTransport): void {
    this.#transport = transport
  }

  get address(): NetAddress.SocketAddress {
    return this.#transport!.address
  }

  /** How many descriptors the process may open, where that is known. */
  get descriptorLimit(): number | undefined {
    return this.#transport!.descriptorLimit
  }

  /** How many connections may wait. */
  get backlog(): number {
    return this.#options.backlog
  }

  /** Whether it can leave connections to the system. */
  get canHold(): boolean {
    return this.#transport?.setAccepting !== undefined
  }

  /** How many more connections the server has room for. */
  set room(room: number) {
    this.#room = room
    this.#regulate()
  }

  // Each handshake takes a place: it ends in a connection that nobody else can serve.
  #regulate(): void {
    const accepting = this.#waiting.length === 0 && this.#handshakes.size < this.#room
    if (accepting === this.#accepting || this.#stopped || this.#closed) return
    this.#accepting = accepting
    this.#transport?.setAccepting?.(accepting)
  }

  /** Names the observer, once, and lets it take connections that wait already. */
  serve(observer: ListenerObserver): void {
    this.#observer = observer
    observer.onArrival()
  }

  onConnection(transport: Transport.StreamTransport): void {
    const slot = this.#admit(transport)
    if (typeof slot === "string") return this.#reject(transport, slot)
    if (this.#waiting.length + this.#handshakes.size >= this.#options.backlog) this.#handshakes.dropOldest("backlog")
    if (!this.#handshakes.isNeeded) return this.#enqueue({ transport, slot })
    let peer = transport
    this.#handshakes.begin({
      accepted: transport,
      onStep: (next) => {
        if (proxyOf(next) === proxyOf(peer)) return undefined
        peer = next
        return this.accessControl.identify(slot, next)
      },
      onReady: (ready) => this.#enqueue({ transport: ready, slot }),
      onFailed: (why) => {
        slot.onClosed()
        this.#regulate()
        if (typeof why === "string") return this.#refused(peer, why)
        this.traffic.handshakesFailed++
        this.#observer?.onHandshakeFailed(peer, why)
      }
    })
    this.#regulate()
  }

  onAcceptError(error: NetworkError.NetworkError): void {
    this.traffic.failed++
    this.#observer?.onAcceptFailed(error)
  }

  #admit(peer: Peer): Slot | ServerPolicy.Refusal {
    if (this.#closed) return "closing"
    if (this.#waiting.length >= this.#options.backlog) return "backlog"
    return this.#options.proxyProtocol?.isTrusted(peer.remoteAddress) === true
      ? this.accessControl.admitProxy(peer)
      : this.accessControl.admit(peer)
  }

  #enqueue(waiting: Waiting): void {
    this.#waiting.push(waiting)
    this.#observer?.onArrival()
    if (this.#waiting.length > 0) this.#ready.openUnsafe()
    this.#regulate()
  }

  #dequeue(): Waiting | undefined {
    // Mostly one waits: to shift it would give up the memory of the array.
    const waiting = this.#waiting.length === 1 ? this.#waiting.pop() : this.#waiting.shift()
    if (this.#waiting.length === 0 && !this.#closed) this.#ready.closeUnsafe()
    this.#regulate()
    return waiting
  }

  #reject(transport: Transport.StreamTransport, why: ServerPolicy.Refusal): void {
    this.#refused(transport, why)
    transport.reset()
  }

  #refused(peer: Peer, why: ServerPolicy.Refusal): void {
    this.traffic.refused[why]++
    this.#observer?.onRefused(peer, why)
  }

  /** Connections that wait to be taken. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Takes the connection that has waited the longest, if any. The caller must close it. */
  take(): ConnectionState | undefined {
    const waiting = this.#dequeue()
    if (waiting === undefined) return undefined
    this.traffic.accepted++
    const connection = new ConnectionState(waiting.transport, this.#connectionOptions)
    connection.observe(waiting.slot)
    return connection
  }

  /** Rejects the connection that has waited the longest, if any. */
  refuse(why: ServerPolicy.Refusal): void {
    const waiting = this.#dequeue()
    if (waiting === undefined) return
    waiting.slot.onClosed()
    this.#reject(waiting.transport, why)
  }

  acceptIn(
    scope: Scope.Scope,
    restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  ): Effect.Effect<ConnectionState, NetworkError.NetworkError> {
    return Effect.flatMap(restore(this.#ready.await), () => {
      const connection = this.take()
      if (connection !== undefined) {
        return Effect.as(Scope.addFinalizerExit(scope, (exit) => connection.close(exit)), connection)
      }
      return this.#closed
        ? Effect.fail(NetworkError.make("accept", this.endpoint, new NetworkError.Closed()))
        : this.acceptIn(scope, restore)
    })
  }

  /** Stops listening. Handshakes in progress continue. */
  get stop(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#stopped) return Effect.void
      this.#stopped = true
      return this.#transport?.close ?? Effect.void
    })
  }

  /** Waits until no handshake is in progress. */
  get handshakesFinished(): Effect.Effect<void> {
    return this.#handshakes.finished
  }

  /** Stops listening. Connections that were not taken are reset. */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#closed) return Effect.void
      this.#closed = true
      this.#handshakes.close()
      while (this.#waiting.length > 0) this.refuse("closing")
      this.#ready.openUnsafe()
      return this.stop
    })
  }
}
