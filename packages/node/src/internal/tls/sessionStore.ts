import type { X509Certificate } from "node:crypto"

/** A session to resume, and the certificate that the server showed when it began: it does not show it again. */
export interface StoredSession {
  readonly session: Buffer
  readonly certificate: X509Certificate
}

/** The sessions that a client can resume, one for each server: the most recently used, and no more than the capacity. */
export class SessionStore {
  readonly capacity: number
  readonly #sessions = new Map<string, StoredSession>()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get(server: string): StoredSession | undefined {
    const stored = this.#sessions.get(server)
    if (stored === undefined) return undefined
    this.#sessions.delete(server)
    // A certificate is good for no longer than it says, however often its session is resumed.
    if (Date.parse(stored.certificate.validTo) < Date.now()) return undefined
    this.#sessions.set(server, stored)
    return stored
  }

  put(server: string, stored: StoredSession): void {
    this.#sessions.delete(server)
    this.#sessions.set(server, stored)
    if (this.#sessions.size <= this.capacity) return
    for (const oldest of this.#sessions.keys()) return void this.#sessions.delete(oldest)
  }
}
