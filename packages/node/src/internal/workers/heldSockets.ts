import type * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { fromNode } from "../address.ts"
import * as boundSocket from "../facade/boundSocket.ts"
import { pathOf, take } from "../inherit.ts"
import type { Obtained, Wanted } from "../socketSource.ts"
import { SocketFile } from "../unix/socketFile.ts"

/** How many sockets a supervisor holds, so that a worker that keeps opening new ones does not exhaust its descriptors. */
const most = 1_024

interface Held extends Obtained {
  readonly address: NetAddress.SocketAddress
}

/**
 * The listening sockets of all workers. They stay bound for as long as the supervisor runs, so that connections wait in the
 * backlog of the system while a worker is replaced.
 */
export class HeldSockets {
  readonly #held = new Map<string, Held>()
  readonly #scope: Scope.Scope
  readonly #turns = Semaphore.makeUnsafe(1)

  constructor(scope: Scope.Scope) {
    this.#scope = scope
  }

  /** Where workers listen. */
  get addresses(): ReadonlyArray<NetAddress.SocketAddress> {
    return Array.from(this.#held.values(), ({ address }) => address)
  }

  /** The socket that a worker wants, the `nth` of its kind in that worker. It is bound when the first worker asks for it. */
  obtain(where: string, wanted: Wanted, nth: number): Effect.Effect<Obtained, NetworkError.NetworkError> {
    const key = JSON.stringify([wanted, nth])
    return this.#turns.withPermit(Effect.suspend(() => {
      const known = this.#held.get(key)
      if (known !== undefined) return Effect.succeed(known)
      if (this.#held.size >= most) return Effect.fail(tooMany(where))
      return Effect.map(this.#bind(where, wanted), (held) => {
        this.#held.set(key, held)
        return held
      })
    }))
  }

  #bind(where: string, wanted: Wanted): Effect.Effect<Held, NetworkError.NetworkError> {
    switch (wanted.type) {
      case "tcp":
        return Effect.map(
          this.#open(where, wanted.port === 0, () => boundSocket.bindTcp(wanted.host, wanted.port, wanted.ipv6Only)),
          (socket) => ({ socket, path: undefined, address: addressOf(socket) })
        )
      case "unix":
        return this.#bindUnix(where, wanted.path, wanted.mode)
      case "inherited":
        return Effect.flatMap(
          take(wanted.socket),
          (descriptor) =>
            Effect.map(this.#open(where, false, () => boundSocket.bound(descriptor)), (socket) => {
              if (socket.getsockname !== undefined) return { socket, path: undefined, address: addressOf(socket) }
              const path = pathOf(descriptor)
              return { socket, path, address: NetAddress.unixPathAddress(path) }
            })
        )
    }
  }

  #bindUnix(where: string, path: string, mode: number | undefined) {
    return Effect.gen({ self: this }, function*() {
      const file = yield* SocketFile.make(path)
      const address = NetAddress.unixPathAddress(path)
      const socket = yield* this.#open(where, false, () => boundSocket.bindUnix(file.bound.path), () => {
        file.remove()
        file.bound.close()
      })
      yield* file.place(mode)
      return { socket, path, address }
    })
  }

  #open(
    where: string,
    anyPort: boolean,
    bind: () => boundSocket.BoundSocket,
    closed: () => void = () => {}
  ): Effect.Effect<boundSocket.BoundSocket, NetworkError.NetworkError> {
    return Effect.acquireRelease(
      Effect.try({
        try: bind,
        catch: (error) => {
          closed()
          return Transport.systemError({ operation: "listen", address: where, error, anyPort })
        }
      }),
      (socket) => Effect.sync(() => socket.close(closed))
    ).pipe(Effect.provideService(Scope.Scope, this.#scope))
  }
}

const tooMany = (where: string) =>
  Transport.systemError({
    operation: "listen",
    address: where,
    error: Object.assign(new Error(`the workers listen at ${most} addresses already`), { code: "EMFILE" })
  })

const addressOf = (socket: boundSocket.BoundSocket): NetAddress.SocketAddress => {
  const into: Record<string, unknown> = {}
  socket.getsockname?.(into)
  return fromNode(String(into["address"]), Number(into["port"]))
}
