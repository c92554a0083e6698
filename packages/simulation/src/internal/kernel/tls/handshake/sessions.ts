import type * as Tls from "@sluice/core/Tls"
import type { RandomStream } from "../../../time/random.ts"
import type { Certificate } from "../certificate/certificate.ts"

/** What both sides keep of a session, to resume it on another connection. */
export interface SavedSession {
  readonly version: Tls.Version
  readonly cipher: string
  readonly serverName: string | undefined
  /** What the peer showed. */
  readonly chain: ReadonlyArray<Certificate>
  /** When it was begun, in milliseconds. */
  readonly at: number
}

// As the servers of OpenSSL and Node have it by default, in milliseconds.
const lifetime = 300_000

const isAlive = (session: SavedSession, now: number): boolean => now >= session.at && now - session.at < lifetime

/** Sessions by a key, the last ones only: a client's with each server, for one. */
export class SessionMap<Session extends SavedSession> {
  readonly #limit: number
  readonly #sessions = new Map<string, Session>()

  constructor(limit: number) {
    this.#limit = limit
  }

  set(key: string, session: Session): void {
    if (this.#limit === 0) return
    this.#sessions.delete(key)
    this.#sessions.set(key, session)
    if (this.#sessions.size <= this.#limit) return
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest)
      return
    }
  }

  get(key: string, now: number): Session | undefined {
    const session = this.#sessions.get(key)
    if (session === undefined || isAlive(session, now)) return session
    this.#sessions.delete(key)
    return undefined
  }
}

const ticketLimit = 10_000

/** The sessions that a server would resume, by the tickets that it gave for them. */
export class Tickets {
  readonly #sessions = new SessionMap<SavedSession>(ticketLimit)
  readonly #random: RandomStream

  constructor(random: RandomStream) {
    this.#random = random
  }

  issue(session: SavedSession): string {
    const ticket = Array.from({ length: 4 }, () => this.#random.bits().toString(16).padStart(8, "0")).join("")
    this.#sessions.set(ticket, session)
    return ticket
  }

  redeem(ticket: string, now: number): SavedSession | undefined {
    return this.#sessions.get(ticket, now)
  }
}

/** A session, and the ticket that resumes it. */
export interface ClientSession extends SavedSession {
  readonly ticket: string
}
