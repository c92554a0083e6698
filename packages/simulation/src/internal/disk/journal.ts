import type { RandomStream } from "../time/random.ts"
import { writeBackTime } from "./content.ts"
import type { DirectoryNode, Node } from "./node.ts"

/** An entry of a directory that is set, or removed. */
export interface Change {
  readonly directory: DirectoryNode
  readonly name: string
  readonly node: Node | undefined
}

interface Transaction {
  readonly at: number
  readonly changes: ReadonlyArray<Change>
}

// A journal that is full writes the older half of its transactions.
const limit = 1024

/**
 * The changes of names that are not on the disk yet. As in ext4 and XFS, each is a transaction, and they reach the disk in
 * order: a loss of power keeps the first ones, and never a part of one.
 */
export class Journal {
  #pending: Array<Transaction> = []
  // How many were committed.
  #committed = 0

  /** Makes changes, all of them or none. */
  write(now: number, changes: ReadonlyArray<Change>): void {
    this.expire(now)
    for (const { directory, name, node } of changes) apply(directory.entries, name, node)
    this.#pending.push({ at: now, changes })
    if (this.#pending.length > limit) this.#commit(limit / 2)
  }

  /** How many transactions a sync of a directory writes: those that change it, and all before them. */
  positionOf(directory: DirectoryNode): number {
    const last = this.#pending.findLastIndex(({ changes }) => changes.some((each) => each.directory === directory))
    return this.#committed + last + 1
  }

  /** Writes transactions to the disk. */
  commitTo(position: number): void {
    this.#commit(position - this.#committed)
  }

  commitAll(): void {
    this.#commit(this.#pending.length)
  }

  expire(now: number): void {
    const first = this.#pending[0]
    if (first === undefined || now - first.at < writeBackTime) return
    const young = this.#pending.findIndex(({ at }) => now - at < writeBackTime)
    this.#commit(young === -1 ? this.#pending.length : young)
  }

  #commit(count: number): void {
    if (count <= 0) return
    for (const { changes } of this.#pending.slice(0, count)) {
      for (const { directory, name, node } of changes) apply(directory.stored, name, node)
    }
    this.#pending = this.#pending.slice(count)
    this.#committed += count
  }

  /** The power fails: the first transactions are on the disk, and the others are lost. */
  crash(now: number, random: RandomStream): void {
    this.expire(now)
    const count = this.#pending.length
    if (count === 0) return
    const choice = random.below(3)
    this.#commit(choice === 0 ? 0 : choice === 1 ? count : random.below(count + 1))
    this.#committed += this.#pending.length
    this.#pending = []
  }
}

const apply = (entries: Map<string, Node>, name: string, node: Node | undefined): void => {
  if (node === undefined) entries.delete(name)
  else entries.set(name, node)
}
