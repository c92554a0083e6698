import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import type { Alarms } from "../time/alarms.ts"
import { copy, copyFile } from "./copy.ts"
import type { Disk, Request } from "./disk.ts"
import { badArgument, Errno, NodeError } from "./errno.ts"
import type { DirectoryNode } from "./node.ts"
import { infoOf, modeOf, type Opener, OpenFile } from "./openFile.ts"
import type { DiskOperation } from "./operation.ts"

type Attempt<A> = Effect.Effect<A, PlatformError.PlatformError>

// Node writes a file in pieces of this many bytes.
const piece = 512 * 1024

/** The file system of a disk, as a process sees it: like `@effect/platform-node`, with its errors, on Linux. */
export const makeFileSystem = (
  disk: Disk,
  alarms: Alarms
): { readonly fileSystem: FileSystem.FileSystem; readonly closeAll: () => void } => {
  const opener: Opener = { disk, alarms, files: new Set(), nextDescriptor: 20 }
  const { random, volume } = disk

  const perform = <A>(
    method: string,
    operation: DiskOperation,
    path: string,
    run: () => A,
    more: Partial<Request> = {}
  ): Attempt<A> =>
    path.includes("\0") || more.other?.includes("\0") === true
      ? Effect.fail(badArgument(method, "The argument 'path' must be a string without null bytes"))
      : disk.perform(alarms, { method, operation, target: path, path, ...more }, run)

  const opened = (method: string, path: string, flag: FileSystem.OpenFlag, mode?: number, noFollow = false) => {
    const how = modeOf(flag, noFollow)
    return Effect.acquireRelease(
      perform(method, "open", path, () => new OpenFile(opener, volume.open(path, how, mode), path, how)),
      (file) => Effect.sync(() => file.close())
    )
  }

  const readFile = (path: string): Attempt<Uint8Array> =>
    perform("readFile", "read", path, () => {
      const node = volume.open(path, modeOf("r", false))
      volume.close(node)
      if (node._tag === "Directory") throw new Errno("EISDIR", "read")
      disk.checkRead()
      const bytes = new Uint8Array(node.content.size)
      node.content.read(0, bytes)
      return bytes
    })

  const writeFile: FileSystem.FileSystem["writeFile"] = (path, data, options) =>
    Effect.scoped(Effect.gen(function*() {
      const file = yield* opened("writeFile", path, options?.flag ?? "w", options?.mode)
      const pieces = Array.from(
        { length: Math.ceil(data.length / piece) },
        (_, index) => data.subarray(index * piece, (index + 1) * piece)
      )
      for (const each of pieces) yield* file.writeAll(each, "writeFile", path)
    }))

  const removeTree = (path: string): void => {
    const node = volume.find(path, "lstat", false)
    if (node._tag !== "Directory") return volume.unlink(path)
    for (const name of node.entries.keys()) removeTree(`${path}/${name}`)
    volume.removeDirectory(path)
  }

  const removal = (method: string): FileSystem.FileSystem["remove"] => (path, options) =>
    perform(method, "remove", path, () => {
      try {
        if (options?.recursive !== true && volume.find(path, "lstat", false)._tag === "Directory") {
          throw new NodeError("ERR_FS_EISDIR", "rm", `Path is a directory: rm returned EISDIR (is a directory) ${path}`)
        }
        removeTree(path)
      } catch (error) {
        if (!(options?.force === true && error instanceof Errno && error.code === "ENOENT")) throw error
      }
    })

  const isDirectory = (path: string, mayDangle: boolean): boolean => {
    try {
      return volume.find(path, "mkdir")._tag === "Directory"
    } catch (error) {
      if (mayDangle) return false
      throw error
    }
  }

  // As Node: it makes the directory, or first the one that it is in.
  const makeDirectories = (path: string, mode: number | undefined): void => {
    const left = [path]
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      try {
        volume.makeDirectory(next, mode)
      } catch (error) {
        if (!(error instanceof Errno)) throw error
        const parent = next.slice(0, Math.max(0, next.lastIndexOf("/")))
        if (error.code === "ENOENT" && parent !== "") left.push(next, parent)
        else if (error.code !== "EEXIST") throw error
        else if (!isDirectory(next, left.length > 0)) throw left.length > 0 ? new Errno("ENOTDIR", "mkdir") : error
      }
    }
  }

  const temporary = (prefix: string): string => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return prefix + Array.from({ length: 6 }, () => letters[random.below(letters.length)]).join("")
  }

  type TemporaryOptions = Parameters<FileSystem.FileSystem["makeTempFile"]>[0]
  const makeTempDirectory = (method: string) => (options?: TemporaryOptions): Attempt<string> => {
    const prefix = `${options?.directory ?? "/tmp"}/${options?.prefix ?? ""}`
    return perform(method, "make", `${prefix}XXXXXX`, () => {
      const path = temporary(prefix)
      try {
        volume.makeDirectory(path, 0o700)
      } catch (error) {
        throw error instanceof Errno ? new Errno(error.code, "mkdtemp") : error
      }
      return path
    })
  }
  const makeTempFile = (method: string) => (options?: TemporaryOptions): Attempt<string> =>
    Effect.gen(function*() {
      const path = `${yield* makeTempDirectory(method)(options)}/${temporary("")}${options?.suffix ?? ""}`
      yield* writeFile(path, new Uint8Array(0))
      return path
    })
  const scoped = (make: Attempt<string>, folderOf: (path: string) => string, method: string) =>
    Effect.acquireRelease(
      make,
      (path) => Effect.orDie(removal(method)(folderOf(path), { recursive: true, force: true }))
    )

  // As in ext4, the order is not that of names.
  const list = (directory: DirectoryNode) =>
    [...directory.entries].map(([name, node]) => ({ name, node, rank: disk.rankOf(name) })).sort((a, b) =>
      a.rank - b.rank || (a.name < b.name ? -1 : 1)
    )
  const listTree = (directory: DirectoryNode, prefix: string): Array<string> =>
    list(directory).flatMap(({ name, node }) => [
      prefix + name,
      ...(node._tag === "Directory" ? listTree(node, `${prefix}${name}/`) : [])
    ])

  const setting = (
    method: string,
    path: string,
    syscall: string,
    set: (node: ReturnType<typeof volume.find>) => void
  ) => perform(method, "set", path, () => set(volume.find(path, syscall)))

  const fileSystem = FileSystem.make({
    access: (path) => perform("access", "stat", path, () => void volume.find(path, "access")),
    chmod: (path, mode) => setting("chmod", path, "chmod", ({ attributes }) => void (attributes.mode = mode & 0o7777)),
    chown: (path, uid, gid) =>
      setting("chown", path, "chown", ({ attributes }) => void Object.assign(attributes, { uid, gid })),
    copy: (from, to, options) =>
      perform("copy", "write", from, () => copy(disk, from, to, options ?? {}), { other: to }),
    copyFile: (from, to) =>
      Effect.asVoid(perform("copyFile", "write", from, () => copyFile(disk, from, to), { other: to })),
    link: (from, to) => perform("link", "make", from, () => volume.link(from, to), { other: to }),
    lstat: (path) => perform("lstat", "stat", path, () => infoOf(volume.find(path, "lstat", false), volume.sectorSize)),
    makeDirectory: (path, options) =>
      perform(
        "makeDirectory",
        "make",
        path,
        () =>
          options?.recursive === true ? makeDirectories(path, options.mode) : volume.makeDirectory(path, options?.mode)
      ),
    makeTempDirectory: makeTempDirectory("makeTempDirectory"),
    makeTempDirectoryScoped: (options) =>
      scoped(makeTempDirectory("makeTempDirectoryScoped")(options), (path) => path, "makeTempDirectoryScoped"),
    makeTempFile: makeTempFile("makeTempFile"),
    makeTempFileScoped: (options) =>
      scoped(
        makeTempFile("makeTempFileScoped")(options),
        (path) => path.slice(0, path.lastIndexOf("/")),
        "makeTempFileScoped"
      ),
    open: (path, options) => opened("open", path, options?.flag ?? "r", options?.mode, options?.noFollow),
    readDirectory: (path, options) =>
      perform("readDirectory", "list", path, () => {
        const directory = volume.readDirectory(path)
        return options?.recursive === true ? listTree(directory, "") : list(directory).map(({ name }) => name)
      }),
    readDirectoryEntries: (path) =>
      perform(
        "readDirectoryEntries",
        "list",
        path,
        () => list(volume.readDirectory(path)).map(({ name, node }) => ({ name, type: node._tag }))
      ),
    readFile,
    readLink: (path) => perform("readLink", "read", path, () => volume.readLink(path)),
    realPath: (path) => perform("realPath", "stat", path, () => volume.realPath(path)),
    remove: removal("remove"),
    rename: (from, to) => perform("rename", "rename", from, () => volume.rename(from, to), { other: to }),
    stat: (path) => perform("stat", "stat", path, () => infoOf(volume.find(path, "stat"), volume.sectorSize)),
    symlink: (target, path) => perform("symlink", "make", target, () => volume.symlink(target, path), { other: path }),
    truncate: (path, length = 0) =>
      perform("truncate", "set", path, () => {
        const node = volume.find(path, "open")
        if (node._tag === "Directory") throw new Errno("EISDIR", "open")
        if (node._tag === "File") node.content.truncate(Math.max(0, length))
        volume.touch(node)
      }),
    utimes: (path, atime, mtime) =>
      perform("utime", "set", path, () => {
        const { attributes } = volume.find(path, "utime")
        attributes.accessed = millis(atime)
        attributes.modified = millis(mtime)
      }),
    watch: () => Stream.fail(badArgument("watch", "not simulated; read the file again at intervals")),
    writeFile
  })
  return {
    fileSystem,
    closeAll: () => {
      for (const file of opener.files) file.close()
    }
  }
}

const millis = (time: Date | number): number => typeof time === "number" ? time * 1000 : time.getTime()
