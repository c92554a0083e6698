/** The Unix-domain listeners of a host: paths are names for ports within it. */
export class UnixTable {
  readonly #listening = new Set<string>()
  #lastPort = 0

  isTaken(path: string): boolean {
    return this.#listening.has(path)
  }

  listen(path: string): void {
    this.#listening.add(path)
  }

  unlisten(path: string): void {
    this.#listening.delete(path)
  }

  /** What tells apart the connections to one path. */
  nextPort(): number {
    return ++this.#lastPort
  }

  vanish(): void {
    this.#listening.clear()
  }
}
