import * as Effect from "effect/Effect"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import type { HostState } from "./host.ts"

type Lookup = (name: string) => ReadonlyArray<string>

/** What a host knows of the names of the network: its resolver, and what is wrong with it. */
export class Names {
  readonly #host: HostState
  #failures = 0
  #delays: ReadonlyArray<number> = []
  #stale: ReadonlyArray<Lookup> = []

  constructor(host: HostState) {
    this.#host = host
  }

  /** The name server does not answer. */
  fail(): () => void {
    this.#failures++
    return () => void this.#failures--
  }

  /** Answers take these milliseconds longer. */
  slow(millis: number): () => void {
    this.#delays = [...this.#delays, millis]
    return () => {
      const index = this.#delays.indexOf(millis)
      this.#delays = this.#delays.filter((_, at) => at !== index)
    }
  }

  /** Answers stay as they are now. */
  keep(): () => void {
    const then = this.#host.world.namesNow()
    this.#stale = [...this.#stale, then]
    return () => {
      this.#stale = this.#stale.filter((each) => each !== then)
    }
  }

  /** The addresses of a name. A hosts file has those of `localhost`. */
  lookup(name: string): Effect.Effect<ReadonlyArray<NetAddress.IpAddress>, Dns.DnsError> {
    return Effect.suspend(() => {
      if (isLocal(name)) return Effect.succeed(this.#answer(name))
      const delay = this.#delays.reduce((sum, each) => sum + each, 0)
      const answer = Effect.suspend(() =>
        this.#failures > 0
          ? Effect.fail(new Dns.DnsError({ reason: "Temporary", method: "lookup", hostname: name, cause: temporary }))
          : Effect.succeed(this.#answer(name))
      )
      return delay === 0 ? answer : Effect.delay(answer, delay)
    })
  }

  #answer(name: string): ReadonlyArray<NetAddress.IpAddress> {
    const lookup = this.#stale[0] ?? ((name: string) => this.#host.world.lookup(name))
    return parsed(lookup(name))
  }
}

// A host is looked up many times, and its addresses stay.
const known = new WeakMap<ReadonlyArray<string>, ReadonlyArray<NetAddress.IpAddress>>()

const parsed = (addresses: ReadonlyArray<string>): ReadonlyArray<NetAddress.IpAddress> => {
  let parsed = known.get(addresses)
  if (parsed === undefined) known.set(addresses, parsed = addresses.map(NetAddress.ipFromStringUnsafe))
  return parsed
}

// As getaddrinfo(3) reports it.
const temporary = { code: "EAI_AGAIN", syscall: "getaddrinfo" }

const isLocal = (name: string): boolean => name === "localhost" || name === "localhost."
