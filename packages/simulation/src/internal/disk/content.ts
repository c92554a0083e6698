import type { RandomStream } from "../time/random.ts"
import { Errno } from "./errno.ts"

type Sector = Uint8Array<ArrayBuffer>

/** What the bytes of files are kept on. */
export interface Medium {
  /** Bytes that are written as a whole or not at all when the power fails. */
  readonly sectorSize: number
  /** Decides what the kernel writes back, and what a loss of power spares. */
  readonly random: RandomStream
  /** Microseconds. */
  readonly now: () => number
  /** Takes a free sector, if there is one. */
  readonly allocate: () => boolean
  readonly free: (sectors: number) => void
}

/** The sectors that a sync has begun to write. */
export interface WriteBack {
  readonly generation: number
  readonly size: number
  readonly sectors: ReadonlyArray<readonly [number, Sector]>
}

/** Linux writes back what has been dirty for this long, in microseconds. */
export const writeBackTime = 30_000_000

// How likely the kernel has written a sector back before it is written again.
const earlyWriteBack = 0.125

// The largest file of ext4.
const sizeLimit = 2 ** 44

/**
 * The bytes of a file: in the page cache, which programs see, and on the disk. Sectors that are not on the disk yet are
 * dirty. A sector that no write has changed since is the same array in both.
 */
export class Content {
  readonly #medium: Medium
  readonly #cached = new Map<number, Sector>()
  readonly #stored = new Map<number, Sector>()
  readonly #dirty = new Set<number>()
  // Sectors of the cache that nothing else refers to.
  readonly #owned = new Set<number>()
  #size = 0
  #storedSize = 0
  // The least size since the last sync.
  #least = Infinity
  #dirtySince = Infinity
  #truncations = 0
  // Whether a sync has failed, and given up its sectors.
  #hasLost = false

  constructor(medium: Medium) {
    this.#medium = medium
  }

  get size(): number {
    return this.#size
  }

  /** Sectors in use. */
  get sectors(): number {
    return this.#cached.size
  }

  /** Sectors that are on the disk. */
  get storedSectors(): number {
    return this.#stored.size
  }

  // -------------------------------------------------------------------------------------------------------------------
  // The page cache
  // -------------------------------------------------------------------------------------------------------------------

  read(offset: number, target: Uint8Array): number {
    const end = Math.min(this.#size, offset + target.length)
    this.#each(offset, end, (index, from, to) => {
      const sector = this.#cached.get(index)
      const at = index * this.#medium.sectorSize
      if (sector === undefined) target.fill(0, from - offset, to - offset)
      else target.set(sector.subarray(from - at, to - at), from - offset)
      return true
    })
    return Math.max(0, end - offset)
  }

  /** Writes as much as there is room for, and returns how much that was. */
  write(offset: number, bytes: Uint8Array): number {
    const end = offset + bytes.length
    if (end > sizeLimit) throw new Errno("EFBIG", "write")
    this.#expire()
    const written = this.#each(offset, end, (index, from, to) => {
      const sector = this.#writable(index)
      sector?.set(bytes.subarray(from - offset, to - offset), from - index * this.#medium.sectorSize)
      return sector !== undefined
    })
    if (written === 0 && bytes.length > 0) throw new Errno("ENOSPC", "write")
    this.#size = Math.max(this.#size, offset + written)
    return written
  }

  truncate(size: number): void {
    if (size > sizeLimit) throw new Errno("EFBIG", "ftruncate")
    this.#expire()
    if (size < this.#size) {
      const { sectorSize } = this.#medium
      const last = Math.floor(size / sectorSize)
      if (size % sectorSize > 0 && this.#cached.has(last)) this.#writable(last)!.fill(0, size % sectorSize)
      const first = Math.ceil(size / sectorSize)
      let freed = 0
      for (const index of [...this.#cached.keys()].filter((each) => each >= first)) {
        this.#cached.delete(index)
        this.#dirty.delete(index)
        this.#owned.delete(index)
        freed++
      }
      this.#medium.free(freed)
      this.#least = Math.min(this.#least, size)
      this.#truncations++
    }
    if (size !== this.#size) this.#dirtySince = Math.min(this.#dirtySince, this.#medium.now())
    this.#size = size
  }

  // Calls `use` with each sector of a range until it returns false, and returns the number of bytes that it has used.
  #each(offset: number, end: number, use: (index: number, from: number, to: number) => boolean): number {
    const { sectorSize } = this.#medium
    let at = offset
    while (at < end) {
      const index = Math.floor(at / sectorSize)
      const to = Math.min(end, (index + 1) * sectorSize)
      if (!use(index, at, to)) break
      at = to
    }
    return Math.max(0, at - offset)
  }

  #writable(index: number): Sector | undefined {
    const cached = this.#cached.get(index)
    if (cached !== undefined && this.#owned.has(index)) {
      if (!this.#medium.random.chance(earlyWriteBack)) return cached
      // Beyond the old end of the file, only a sync or an expiry writes back.
      if (this.#least === Infinity && (index + 1) * this.#medium.sectorSize <= this.#storedSize) {
        this.#stored.set(index, cached)
      }
    } else if (cached === undefined && !this.#medium.allocate()) return undefined
    const sector = cached === undefined ? new Uint8Array(this.#medium.sectorSize) : cached.slice()
    this.#cached.set(index, sector)
    this.#owned.add(index)
    this.#dirty.add(index)
    this.#dirtySince = Math.min(this.#dirtySince, this.#medium.now())
    return sector
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Writing back
  // -------------------------------------------------------------------------------------------------------------------

  /** Begins a sync: what is dirty now is on the disk when it ends. */
  begin(): WriteBack {
    const sectors = [...this.#dirty].map((index) => [index, this.#cached.get(index)!] as const)
    this.#owned.clear()
    return { generation: this.#truncations, size: this.#size, sectors }
  }

  end({ generation, sectors, size }: WriteBack): void {
    // A truncation in the meantime is written with the rest.
    if (generation !== this.#truncations) return this.#writeAll()
    this.#store(sectors, size)
    for (const [index, sector] of sectors) if (this.#cached.get(index) === sector) this.#dirty.delete(index)
    this.#dirtySince = this.#dirty.size === 0 ? Infinity : this.#medium.now()
  }

  /** A sync fails as in Linux since 4.13: its sectors are taken to be clean, so that no other sync writes them. */
  fail({ sectors }: WriteBack): void {
    for (const [index, sector] of sectors) if (this.#cached.get(index) === sector) this.#dirty.delete(index)
    this.#hasLost ||= sectors.length > 0
  }

  #expire(): void {
    if (this.#medium.now() - this.#dirtySince >= writeBackTime) this.#writeAll()
  }

  #writeAll(): void {
    const { sectors, size } = this.begin()
    this.#store(sectors, size)
    this.#dirty.clear()
    this.#dirtySince = Infinity
  }

  #store(sectors: WriteBack["sectors"], size: number): void {
    this.#truncateStored(this.#least)
    this.#least = Infinity
    let end = this.#storedSize
    for (const [index, sector] of sectors) {
      this.#stored.set(index, sector)
      end = Math.max(end, Math.min(size, (index + 1) * this.#medium.sectorSize))
    }
    // The size of a file includes what was written, and not what could not be.
    this.#storedSize = this.#hasLost ? end : size
  }

  #truncateStored(size: number): void {
    if (size >= this.#storedSize) return
    const { sectorSize } = this.#medium
    const first = Math.ceil(size / sectorSize)
    for (const index of this.#stored.keys()) if (index >= first) this.#stored.delete(index)
    const last = this.#stored.get(first - 1)
    if (size % sectorSize > 0 && last !== undefined) {
      this.#stored.set(first - 1, last.slice().fill(0, size % sectorSize))
    }
    this.#storedSize = size
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Faults
  // -------------------------------------------------------------------------------------------------------------------

  /**
   * The power fails. Of the dirty sectors, chance spares none, all, the first ones, or any. A truncation is lost or not,
   * and with it what was written beyond it. What was spared beyond the old end of the file makes it longer; what lies
   * between and was not spared is zero.
   */
  crash(): void {
    this.#expire()
    const { random, sectorSize } = this.#medium
    const spared = this.#spare([...this.#dirty].sort((a, b) => a - b))
    const isTruncated = this.#least >= this.#storedSize || random.chance(0.5)
    if (isTruncated) this.#truncateStored(this.#least)
    const limit = isTruncated ? Infinity : this.#least
    for (const index of spared) {
      const end = (index + 1) * sectorSize
      if (end > limit) continue
      this.#stored.set(index, this.#cached.get(index)!)
      this.#storedSize = Math.max(this.#storedSize, Math.min(end, this.#size))
    }
    // A file that was made longer without a write.
    if (isTruncated && this.#dirty.size === 0 && !this.#hasLost && this.#size > this.#storedSize) {
      if (random.chance(0.5)) this.#storedSize = this.#size
    }
    this.#reload()
  }

  #spare(dirty: ReadonlyArray<number>): ReadonlyArray<number> {
    const { random } = this.#medium
    if (dirty.length === 0) return dirty
    switch (random.below(4)) {
      case 0:
        return []
      case 1:
        return dirty
      case 2:
        return dirty.slice(0, random.below(dirty.length + 1))
      default:
        return dirty.filter(() => random.chance(0.5))
    }
  }

  #reload(): void {
    this.#cached.clear()
    for (const [index, sector] of this.#stored) this.#cached.set(index, sector)
    this.#size = this.#storedSize
    this.#dirty.clear()
    this.#owned.clear()
    this.#least = Infinity
    this.#dirtySince = Infinity
    this.#hasLost = false
    this.#truncations++
  }

  /** Flips a bit of a sector on the disk, which is read back unless the sector is in the cache and dirty. */
  rot(random: RandomStream): void {
    const index = [...this.#stored.keys()][random.below(this.#stored.size)]!
    const { sectorSize } = this.#medium
    const used = Math.min(sectorSize, this.#storedSize - index * sectorSize)
    if (used <= 0) return
    const sector = this.#stored.get(index)!
    const rotten = sector.slice()
    rotten[random.below(used)]! ^= 1 << random.below(8)
    this.#stored.set(index, rotten)
    if (this.#cached.get(index) === sector) this.#cached.set(index, rotten)
  }
}
