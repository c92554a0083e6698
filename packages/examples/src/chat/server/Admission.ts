/** Who may come in: so many in all, and so many from one address. */
import type * as Connection from "@sluice/core/Connection"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"

export interface Limits {
  readonly clients: number
  /** From one IP address; it does not apply to Unix-domain sockets. */
  readonly clientsPerAddress: number
}

/** There is no room for one more. */
export class Full extends Data.TaggedError("Full")<{ readonly message: string }> {}

export class Admission {
  readonly #limits: Limits
  readonly #perAddress = new Map<string, number>()
  #clients = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Lets a client in, as long as the Scope is open. */
  enter(connection: Connection.Connection): Effect.Effect<void, Full, Scope.Scope> {
    const { remoteAddress } = connection
    const address = NetAddress.isInetAddress(remoteAddress) ? NetAddress.formatIp(remoteAddress.address) : undefined
    return Effect.asVoid(Effect.acquireRelease(
      Effect.suspend(() => {
        const problem = this.#problem(address)
        if (problem !== undefined) return Effect.fail(new Full({ message: problem }))
        this.#count(address, 1)
        return Effect.void
      }),
      () => Effect.sync(() => this.#count(address, -1))
    ))
  }

  #problem(address: string | undefined): string | undefined {
    const { clients, clientsPerAddress } = this.#limits
    if (this.#clients >= clients) return `the chat is full: ${clients} are here; try again later`
    if (address !== undefined && (this.#perAddress.get(address) ?? 0) >= clientsPerAddress) {
      return `from ${address}, ${clientsPerAddress} are here already; try again later`
    }
    return undefined
  }

  #count(address: string | undefined, by: 1 | -1): void {
    this.#clients += by
    if (address === undefined) return
    const count = (this.#perAddress.get(address) ?? 0) + by
    if (count === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, count)
  }
}
