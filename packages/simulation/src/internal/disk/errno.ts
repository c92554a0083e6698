import * as PlatformError from "effect/PlatformError"

/** Errors of errno(3), with their number and the words of Node. */
const codes = {
  EPERM: [1, "operation not permitted"],
  ENOENT: [2, "no such file or directory"],
  EIO: [5, "i/o error"],
  EBADF: [9, "bad file descriptor"],
  EBUSY: [16, "resource busy or locked"],
  EEXIST: [17, "file already exists"],
  ENOTDIR: [20, "not a directory"],
  EISDIR: [21, "illegal operation on a directory"],
  EINVAL: [22, "invalid argument"],
  EFBIG: [27, "file too large"],
  ENOSPC: [28, "no space left on device"],
  ENAMETOOLONG: [36, "name too long"],
  ENOTEMPTY: [39, "directory not empty"],
  ELOOP: [40, "too many symbolic links encountered"]
} as const

export type Code = keyof typeof codes

// The reasons that Effect's platform for Node gives them; all others are "Unknown".
const reasons: Readonly<Record<string, PlatformError.SystemErrorTag>> = {
  ENOENT: "NotFound",
  EPERM: "PermissionDenied",
  EEXIST: "AlreadyExists",
  EISDIR: "BadResource",
  ENOTDIR: "BadResource",
  ELOOP: "BadResource",
  EBUSY: "Busy"
}

/** A system call that failed. It is thrown, and the operation that made the call turns it into a `PlatformError`. */
export class Errno extends Error {
  readonly code: Code
  readonly syscall: string
  constructor(code: Code, syscall: string) {
    super(code)
    this.code = code
    this.syscall = syscall
  }
}

/** An error that Node reports by itself, such as `ERR_FS_EISDIR`. */
export class NodeError extends Error {
  readonly code: string
  readonly syscall: string
  constructor(code: string, syscall: string, message: string) {
    super(message)
    this.code = code
    this.syscall = syscall
  }
}

/** What an operation of `FileSystem` was called with. */
export interface Call {
  /** The method of `FileSystem`. */
  readonly method: string
  /** A path, or the descriptor of an open file. */
  readonly target: string | number
  /** The second path of those that take two. */
  readonly other?: string | undefined
}

/** The error as `@effect/platform-node` reports it. */
export const toPlatformError = (
  error: Errno | NodeError,
  { method, other, target }: Call
): PlatformError.PlatformError =>
  PlatformError.systemError({
    _tag: reasons[error.code] ?? "Unknown",
    module: "FileSystem",
    method,
    pathOrDescriptor: target,
    syscall: error.syscall,
    cause: error instanceof NodeError ? error : exceptionOf(error, target, other)
  })

// As Node makes it: `ENOENT: no such file or directory, rename 'a' -> 'b'`.
const exceptionOf = ({ code, syscall }: Errno, target: string | number, dest: string | undefined): Error => {
  const [number, text] = codes[code]
  const paths = typeof target === "number" ? "" : ` '${target}'${dest === undefined ? "" : ` -> '${dest}'`}`
  const path = typeof target === "number" ? {} : { path: target, ...(dest !== undefined && { dest }) }
  return Object.assign(new Error(`${code}: ${text}, ${syscall}${paths}`), { errno: -number, code, syscall, ...path })
}

export const badArgument = (method: string, description: string): PlatformError.PlatformError =>
  PlatformError.badArgument({ module: "FileSystem", method, description })
