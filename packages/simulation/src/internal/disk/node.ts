import type { Content } from "./content.ts"

/** What the inode of a file, a directory or a link holds, as of stat(2). Times are in milliseconds. */
export interface Attributes {
  readonly number: number
  /** The permissions, without the type. */
  mode: number
  uid: number
  gid: number
  accessed: number
  modified: number
  readonly born: number
}

export interface FileNode {
  readonly _tag: "File"
  readonly attributes: Attributes
  readonly content: Content
  /** How many names it has, and how often it is open. */
  links: number
  handles: number
}

export interface DirectoryNode {
  readonly _tag: "Directory"
  readonly attributes: Attributes
  parent: DirectoryNode
  /** What programs see. */
  readonly entries: Map<string, Node>
  /** What is on the disk. */
  readonly stored: Map<string, Node>
  /** Whether it has been removed. */
  isGone: boolean
}

export interface LinkNode {
  readonly _tag: "SymbolicLink"
  readonly attributes: Attributes
  readonly target: string
  links: number
}

export type Node = FileNode | DirectoryNode | LinkNode

/** The parts of stat(2) that depend on the type: the bits of the mode, the size, and the number of links. */
export const describeNode = (
  node: Node
): { readonly bits: number; readonly size: number; readonly links: number } => {
  switch (node._tag) {
    case "File":
      return { bits: 0o100000, size: node.content.size, links: node.links }
    case "Directory": {
      const directories = [...node.entries.values()].filter((each) => each._tag === "Directory").length
      return { bits: 0o040000, size: 4096, links: node.isGone ? 0 : 2 + directories }
    }
    case "SymbolicLink":
      return { bits: 0o120000, size: new TextEncoder().encode(node.target).length, links: node.links }
  }
}
