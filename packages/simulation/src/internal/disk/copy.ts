import type { Disk } from "./disk.ts"
import { Errno, NodeError } from "./errno.ts"
import type { FileNode, Node } from "./node.ts"
import { modeOf } from "./openFile.ts"
import { normal } from "./path.ts"
import type { Volume } from "./volume.ts"

/** Copies the bytes and the mode of a file, as `fs.copyFile` of Node does. */
export const copyFile = ({ volume }: Disk, from: string, to: string): number => {
  try {
    const source = volume.open(from, modeOf("r", false))
    volume.close(source)
    const target = volume.open(to, { ...modeOf("w", false), truncates: false }) as FileNode
    volume.close(target)
    try {
      if (source._tag === "Directory") throw new Errno("EISDIR", "copyfile")
      if (target !== source) copyBytes(source, target)
      return source.content.size
    } catch (error) {
      volume.unlink(to)
      throw error
    }
  } catch (error) {
    throw error instanceof Errno ? new Errno(error.code, "copyfile") : error
  }
}

const copyBytes = (source: FileNode, target: FileNode): void => {
  const bytes = new Uint8Array(source.content.size)
  source.content.read(0, bytes)
  target.content.truncate(0)
  target.content.write(0, bytes)
  target.attributes.mode = source.attributes.mode
}

interface CopyOptions {
  readonly overwrite?: boolean | undefined
  readonly preserveTimestamps?: boolean | undefined
}

/** Copies a tree, as `fs.cp` of Node does. */
export const copy = (disk: Disk, from: string, to: string, options: CopyOptions): void => {
  const { volume } = disk
  const source = volume.find(from, "lstat", false)
  check(volume, source, from, to)
  const parent = parentOf(to)
  if (look(volume, parent) === undefined) makeParents(volume, parent)
  copyNode(disk, source, from, to, options)
}

const check = (volume: Volume, source: Node, from: string, to: string): void => {
  const target = look(volume, to)
  const fail = (kind: string, text: string): never => {
    throw new NodeError(`ERR_FS_CP_${kind}`, "cp", `Invalid src or dest: cp returned ${text} ${to}`)
  }
  if (target === source) fail("EINVAL", "EINVAL (src and dest cannot be the same)")
  if (target !== undefined) {
    if (source._tag === "Directory" && target._tag !== "Directory") {
      fail("DIR_TO_NON_DIR", "EISDIR (cannot overwrite non-directory with directory)")
    }
    if (source._tag !== "Directory" && target._tag === "Directory") {
      fail("NON_DIR_TO_DIR", "ENOTDIR (cannot overwrite directory with non-directory)")
    }
  }
  if (source._tag !== "Directory") return
  for (let path = parentOf(to); path !== "/" && path !== "."; path = parentOf(path)) {
    if (look(volume, path) === source) fail("EINVAL", "EINVAL (cannot copy to a subdirectory of self)")
  }
}

const copyNode = (disk: Disk, source: Node, from: string, to: string, options: CopyOptions): void => {
  const { volume } = disk
  const target = look(volume, to)
  switch (source._tag) {
    case "Directory":
      if (target === undefined) volume.makeDirectory(to, source.attributes.mode)
      for (const [name, node] of source.entries) {
        const [inner, other] = [`${from}/${name}`, `${to}/${name}`]
        check(volume, node, inner, other)
        copyNode(disk, node, inner, other, options)
      }
      break
    case "File":
      if (target !== undefined && options.overwrite !== true) return
      if (target !== undefined) volume.unlink(to)
      copyFile(disk, from, to)
      break
    case "SymbolicLink": {
      if (target !== undefined) volume.unlink(to)
      const { target: path } = source
      volume.symlink(path.startsWith("/") ? path : normal(`/${parentOf(from)}/${path}`), to)
      return
    }
  }
  if (options.preserveTimestamps !== true) return
  const { accessed, modified } = source.attributes
  Object.assign(volume.find(to, "utime").attributes, { accessed, modified })
}

const look = (volume: Volume, path: string): Node | undefined => {
  try {
    return volume.find(path, "lstat", false)
  } catch (error) {
    if (error instanceof Errno && error.code === "ENOENT") return undefined
    throw error
  }
}

const makeParents = (volume: Volume, path: string): void => {
  if (look(volume, path) !== undefined) return
  makeParents(volume, parentOf(path))
  volume.makeDirectory(path)
}

const parentOf = (path: string): string => {
  const end = path.replace(/\/+$/, "").lastIndexOf("/")
  return end === -1 ? "." : path.slice(0, end) || "/"
}
