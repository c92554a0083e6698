/** The open sockets of a process, up to a limit (RLIMIT_NOFILE, getrlimit(2)). */
export class Descriptors {
  readonly #standing: number
  #limits: ReadonlyArray<number> = []
  #open = new Set<object>()

  constructor(limit: number) {
    this.#standing = limit
  }

  /** Lowers the limit. Returns how that ends. Sockets that are open already stay open. */
  limit(limit: number): () => void {
    const own = [limit]
    this.#limits = [...this.#limits, ...own]
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const index = this.#limits.indexOf(limit)
      this.#limits = this.#limits.filter((_, at) => at !== index)
    }
  }

  /** Whether there is a free one. */
  get isFree(): boolean {
    return this.#open.size < Math.min(this.#standing, ...this.#limits)
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
