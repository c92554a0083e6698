import type { RandomStream } from "../time/random.ts"
import { Content, type Medium } from "./content.ts"
import { Errno } from "./errno.ts"
import { type Change, Journal } from "./journal.ts"
import type { Attributes, DirectoryNode, FileNode, LinkNode, Node } from "./node.ts"
import { normal, pathOf, type Place, resolve } from "./path.ts"

// What umask(2) takes from the mode of new files and directories.
const umask = 0o022

/** How open(2) opens a file. */
export interface OpenMode {
  readonly reads: boolean
  readonly writes: boolean
  readonly appends: boolean
  readonly creates: boolean
  readonly isExclusive: boolean
  readonly truncates: boolean
  readonly noFollow: boolean
}

/** What a volume needs of its machine. */
export interface VolumeOptions {
  /** Bytes. */
  readonly capacity: number
  readonly sectorSize: number
  readonly random: RandomStream
  /** Microseconds. */
  readonly now: () => number
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number
}

/** A file system: system calls that complete at once, and throw an `Errno`. */
export class Volume {
  readonly #options: VolumeOptions
  readonly #medium: Medium
  readonly #journal = new Journal()
  readonly root: DirectoryNode
  #lastNumber = 0
  // In sectors.
  readonly #capacity: number
  #used = 0
  // Sectors on the disk of removed files, which a crash may bring back.
  #removed = 0
  /** No further sector can be allocated. */
  isFull = false

  constructor(options: VolumeOptions) {
    this.#options = options
    this.#capacity = Math.floor(options.capacity / options.sectorSize)
    this.#medium = {
      sectorSize: options.sectorSize,
      random: options.random,
      now: options.now,
      allocate: () => this.#allocate(),
      free: (sectors) => void (this.#used -= sectors)
    }
    this.root = this.#directory(0o755, undefined)
    const temporary = this.#directory(0o777, this.root)
    this.root.entries.set("tmp", temporary)
    this.root.stored.set("tmp", temporary)
  }

  get sectorSize(): number {
    return this.#options.sectorSize
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Space and inodes
  // -------------------------------------------------------------------------------------------------------------------

  #allocate(): boolean {
    if (this.isFull || this.#used >= this.#capacity) return false
    this.#used++
    return true
  }

  // An inode takes a sector, but not that of the root.
  #attributes(mode: number, syscall: string): Attributes {
    if (this.#lastNumber > 0 && !this.#allocate()) throw new Errno("ENOSPC", syscall)
    const now = this.#options.wallClock()
    return { number: ++this.#lastNumber, mode, uid: 0, gid: 0, accessed: now, modified: now, born: now }
  }

  #directory(mode: number, parent: DirectoryNode | undefined): DirectoryNode {
    const node = {
      _tag: "Directory" as const,
      attributes: this.#attributes(mode, "mkdir"),
      entries: new Map<string, Node>(),
      stored: new Map<string, Node>(),
      parent: parent!,
      isGone: false
    }
    node.parent ??= node
    return node
  }

  #change(...changes: ReadonlyArray<Change>): void {
    this.#journal.write(this.#options.now(), changes)
    const now = this.#options.wallClock()
    for (const { directory } of changes) directory.attributes.modified = now
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Paths
  // -------------------------------------------------------------------------------------------------------------------

  #place(path: string, syscall: string, follow: boolean): Place {
    return resolve(this.root, path, syscall, follow)
  }

  find(path: string, syscall: string, follow = true): Node {
    const { isFolder, node } = this.#place(path, syscall, follow || path.endsWith("/"))
    if (node === undefined) throw new Errno("ENOENT", syscall)
    if (isFolder && node._tag !== "Directory") throw new Errno("ENOTDIR", syscall)
    return node
  }

  realPath(path: string): string {
    // As `path.resolve` of Node does first.
    const place = this.#place(normal(path), "lstat", true)
    if (place.node === undefined) throw new Errno("ENOENT", "lstat")
    return pathOf(place)
  }

  readDirectory(path: string, syscall = "scandir"): DirectoryNode {
    const node = this.find(path, syscall)
    if (node._tag !== "Directory") throw new Errno("ENOTDIR", syscall)
    return node
  }

  readLink(path: string): string {
    const node = this.find(path, "readlink", false)
    if (node._tag !== "SymbolicLink") throw new Errno("EINVAL", "readlink")
    return node.target
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Names
  // -------------------------------------------------------------------------------------------------------------------

  makeDirectory(path: string, mode = 0o777): void {
    const { directory, name, node } = this.#place(path, "mkdir", false)
    if (node !== undefined) throw new Errno("EEXIST", "mkdir")
    this.#change({ directory, name, node: this.#directory(mode & 0o777 & ~umask, directory) })
  }

  removeDirectory(path: string): void {
    const { directory, name, node } = this.#place(path, "rmdir", false)
    if (node === undefined) throw new Errno("ENOENT", "rmdir")
    if (node._tag !== "Directory") throw new Errno("ENOTDIR", "rmdir")
    if (node === this.root) throw new Errno("EBUSY", "rmdir")
    if (name === ".") throw new Errno("EINVAL", "rmdir")
    if (name === ".." || node.entries.size > 0) throw new Errno("ENOTEMPTY", "rmdir")
    this.#change({ directory, name, node: undefined })
    this.#forget(node)
  }

  unlink(path: string): void {
    const { directory, isFolder, name, node } = this.#place(path, "unlink", false)
    if (node === undefined) throw new Errno("ENOENT", "unlink")
    if (node._tag === "Directory") throw new Errno("EISDIR", "unlink")
    if (isFolder) throw new Errno("ENOTDIR", "unlink")
    this.#change({ directory, name, node: undefined })
    this.#forget(node)
  }

  link(from: string, to: string): void {
    const node = this.find(from, "link", false)
    const { directory, isFolder, name, node: existing } = this.#place(to, "link", false)
    if (existing !== undefined) throw new Errno("EEXIST", "link")
    if (isFolder) throw new Errno("ENOENT", "link")
    if (node._tag === "Directory") throw new Errno("EPERM", "link")
    this.#change({ directory, name, node })
    node.links++
  }

  symlink(target: string, path: string): void {
    const { directory, isFolder, name, node } = this.#place(path, "symlink", false)
    if (node !== undefined) throw new Errno("EEXIST", "symlink")
    if (isFolder || target === "") throw new Errno("ENOENT", "symlink")
    const link: LinkNode = { _tag: "SymbolicLink", attributes: this.#attributes(0o777, "symlink"), target, links: 1 }
    this.#change({ directory, name, node: link })
  }

  rename(from: string, to: string): void {
    const fail = (code: Errno["code"]): never => {
      throw new Errno(code, "rename")
    }
    const old = this.#place(from, "rename", false)
    const next = this.#place(to, "rename", false)
    if ([old, next].some(({ name }) => name === "." || name === "..")) fail("EBUSY")
    const node = old.node ?? fail("ENOENT")
    const isDirectory = node._tag === "Directory"
    if (isDirectory && isWithin(next.directory, node)) fail("EINVAL")
    if ((old.isFolder || next.isFolder) && !isDirectory) fail("ENOTDIR")
    const replaced = next.node
    if (replaced === node) return
    if (replaced !== undefined) {
      if (isWithin(old.directory, replaced)) fail("ENOTEMPTY")
      if (isDirectory && replaced._tag !== "Directory") fail("ENOTDIR")
      if (!isDirectory && replaced._tag === "Directory") fail("EISDIR")
      if (replaced._tag === "Directory" && replaced.entries.size > 0) fail("ENOTEMPTY")
    }
    this.#change(
      { directory: old.directory, name: old.name, node: undefined },
      { directory: next.directory, name: next.name, node }
    )
    if (node._tag === "Directory") node.parent = next.directory
    if (replaced !== undefined) this.#forget(replaced)
  }

  // The last name of something is gone.
  #forget(node: Node): void {
    if (node._tag === "Directory") node.isGone = true
    else node.links--
    if (node._tag === "File") this.#release(node)
    else if (node._tag === "Directory" || node.links === 0) this.#used--
  }

  // A file without a name and without a handle gives its space back.
  #release(node: FileNode): void {
    if (node.links > 0 || node.handles > 0) return
    this.#used -= node.content.sectors + 1
    this.#removed += node.content.storedSectors
    if (this.#removed > this.#capacity) this.#commitRemovals()
  }

  #commitRemovals(): void {
    this.#journal.commitAll()
    this.#removed = 0
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Files
  // -------------------------------------------------------------------------------------------------------------------

  /** Opens a file, which must be closed, or a directory. */
  open(path: string, mode: OpenMode, permissions = 0o666): FileNode | DirectoryNode {
    const node = this.#open(path, mode, permissions)
    if (node._tag === "File") node.handles++
    return node
  }

  #open(path: string, mode: OpenMode, permissions: number): FileNode | DirectoryNode {
    const follow = mode.creates && (mode.isExclusive || path.endsWith("/"))
      ? false
      : !mode.noFollow || path.endsWith("/")
    const { directory, isFolder, name, node } = this.#place(path, "open", follow)
    if (node === undefined) {
      if (!mode.creates) throw new Errno("ENOENT", "open")
      if (isFolder) throw new Errno("EISDIR", "open")
      const made: FileNode = {
        _tag: "File",
        attributes: this.#attributes(permissions & 0o777 & ~umask, "open"),
        content: new Content(this.#medium),
        links: 1,
        handles: 0
      }
      this.#change({ directory, name, node: made })
      return made
    }
    if (isFolder && mode.creates) throw new Errno("EISDIR", "open")
    if (mode.creates && mode.isExclusive) throw new Errno("EEXIST", "open")
    if (isFolder && node._tag !== "Directory") throw new Errno("ENOTDIR", "open")
    if (node._tag === "SymbolicLink") throw new Errno("ELOOP", "open")
    if (node._tag === "Directory") {
      if (mode.writes || mode.creates) throw new Errno("EISDIR", "open")
    } else if (mode.truncates) {
      node.content.truncate(0)
      this.touch(node)
    }
    return node
  }

  close(node: FileNode | DirectoryNode): void {
    if (node._tag === "Directory") return
    node.handles--
    this.#release(node)
  }

  /** Sets the time of the last change. */
  touch(node: Node): void {
    node.attributes.modified = this.#options.wallClock()
  }

  /** Begins a sync. What was written before is on the disk once `end` was called. */
  sync(node: FileNode | DirectoryNode): { readonly end: () => void; readonly fail: () => void } {
    if (node._tag === "Directory") {
      const position = this.#journal.positionOf(node)
      return { end: () => this.#journal.commitTo(position), fail: () => {} }
    }
    const writing = node.content.begin()
    return { end: () => node.content.end(writing), fail: () => node.content.fail(writing) }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Faults
  // -------------------------------------------------------------------------------------------------------------------

  /** The power fails: what is not on the disk is lost, or some of it. */
  crash(): void {
    this.#journal.crash(this.#options.now(), this.#options.random)
    this.#removed = 0
    this.#used = 0
    const seen = new Set<FileNode | LinkNode>()
    const load = (directory: DirectoryNode) => {
      directory.entries.clear()
      for (const [name, node] of directory.stored) {
        directory.entries.set(name, node)
        if (node._tag === "Directory") {
          node.parent = directory
          node.isGone = false
          load(node)
        } else {
          if (!seen.has(node)) node.links = 0
          node.links++
          if (node.links > 1) continue
          seen.add(node)
        }
        this.#used++
      }
    }
    load(this.root)
    for (const node of seen) {
      if (node._tag !== "File") continue
      node.handles = 0
      node.content.crash()
      this.#used += node.content.sectors
    }
  }

  /** Flips bits of files that are on the disk. */
  rot(bits: number, random: RandomStream): void {
    const files: Array<FileNode> = []
    const collect = ({ stored }: DirectoryNode) => {
      for (const node of stored.values()) {
        if (node._tag === "Directory") collect(node)
        else if (node._tag === "File" && node.content.storedSectors > 0) files.push(node)
      }
    }
    collect(this.root)
    if (files.length === 0) return
    for (let count = 0; count < bits; count++) files[random.below(files.length)]!.content.rot(random)
  }
}

const isWithin = (directory: DirectoryNode, node: Node): boolean => {
  for (let at = directory;; at = at.parent) {
    if (at === node) return true
    if (at.parent === at) return false
  }
}
