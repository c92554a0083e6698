import { Errno } from "./errno.ts"
import type { DirectoryNode, Node } from "./node.ts"

/** Where a path leads. */
export interface Place {
  /** The directory that has, or could have, the last name of the path. */
  readonly directory: DirectoryNode
  readonly name: string
  /** What is there. */
  readonly node: Node | undefined
  /** Whether the path ends in a slash, and so can name a directory only. */
  readonly isFolder: boolean
}

// path_resolution(7), limits.h.
const mostLinks = 40
const longestName = 255
const longestPath = 4095

const encoder = new TextEncoder()
// A character takes at most three bytes: most names need no encoding to be found short enough.
const isLonger = (text: string, limit: number): boolean =>
  3 * text.length > limit && encoder.encode(text).length > limit

/** Follows a path as path_resolution(7) says. Relative paths begin at the root. */
export const resolve = (root: DirectoryNode, path: string, syscall: string, follow: boolean): Place => {
  let links = 0
  const walk = (start: DirectoryNode, path: string): Place => {
    if (path === "") throw new Errno("ENOENT", syscall)
    if (isLonger(path, longestPath)) throw new Errno("ENAMETOOLONG", syscall)
    const names = path.split("/").filter((name) => name !== "")
    const isFolder = path.endsWith("/")
    let directory = path.startsWith("/") ? root : start
    if (names.length === 0) return { directory: root, name: ".", node: root, isFolder }
    for (const [index, name] of names.entries()) {
      if (isLonger(name, longestName)) throw new Errno("ENAMETOOLONG", syscall)
      const isLast = index === names.length - 1
      const node = name === "." ? directory : name === ".." ? directory.parent : directory.entries.get(name)
      if (node?._tag === "SymbolicLink" && (!isLast || follow)) {
        if (++links > mostLinks) throw new Errno("ELOOP", syscall)
        return walk(directory, [node.target, ...names.slice(index + 1)].join("/") + (isFolder ? "/" : ""))
      }
      if (isLast) return { directory, name, node, isFolder }
      if (node === undefined) throw new Errno("ENOENT", syscall)
      if (node._tag !== "Directory") throw new Errno("ENOTDIR", syscall)
      directory = node
    }
    throw new Errno("ENOENT", syscall)
  }
  return walk(root, path)
}

/** An absolute path without `.`, `..` and empty names. */
export const normal = (path: string): string => {
  const names: Array<string> = []
  for (const name of path.split("/")) {
    if (name === "..") names.pop()
    else if (name !== "." && name !== "") names.push(name)
  }
  return `/${names.join("/")}`
}

/** The absolute path of a place, without links. */
export const pathOf = ({ directory, name, node }: Place): string => {
  const names: Array<string> = name === "." || name === ".." ? [] : [name]
  let at = node?._tag === "Directory" && names.length === 0 ? node : directory
  while (at.parent !== at) {
    const parent = at.parent
    for (const [each, child] of parent.entries) if (child === at) names.unshift(each)
    at = parent
  }
  return `/${names.join("/")}`
}
