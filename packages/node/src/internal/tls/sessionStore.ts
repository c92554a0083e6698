import type { X509Certificate } from "node:crypto"

/** A session to resume, with the certificate of its first handshake: servers do not send it again. */
export interface StoredSession {
  readonly session: Buffer
  readonly certificate: X509Certificate
}

/** The sessions that a client can resume, one per server: the most recently used ones, up to the capacity. */
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
    // Resuming a session does not extend the validity of its certificate.
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
