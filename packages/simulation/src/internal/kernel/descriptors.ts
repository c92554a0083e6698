/** The open sockets of a process, up to a limit (RLIMIT_NOFILE, getrlimit(2)). */
export class Descriptors {
  readonly #standing: number
  readonly #limits = new Set<{ readonly limit: number }>()
  #open = new Set<object>()

  constructor(limit: number) {
    this.#standing = limit
  }

  /** Lowers the limit. Returns how that ends. Sockets that are open already stay open. */
  limit(limit: number): () => void {
    const own = { limit }
    this.#limits.add(own)
    return () => void this.#limits.delete(own)
  }

  /** Whether there is a free one. */
  get isFree(): boolean {
    if (this.#open.size >= this.#standing) return false
    for (const { limit } of this.#limits) if (this.#open.size >= limit) return false
    return true
  }

  open(socket: object): void {
    this.#open.add(socket)
  }

  close(socket: object): void {
    this.#open.delete(socket)
  }

  /** The process has ended: all are closed. */
  clear(): void {
    this.#open = new Set()
  }
}
