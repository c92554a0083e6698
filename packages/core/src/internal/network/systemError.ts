import * as Predicate from "effect/Predicate"
import * as NetworkError from "../../NetworkError.ts"

/** A failure as an operating system reports it. */
export interface SystemFailure {
  readonly operation: NetworkError.Operation
  readonly address: string
  /** What was thrown or reported: its `code` (errno(3), getaddrinfo(3)) and `syscall` decide the reason. */
  readonly error: unknown
  /** Whether the system was to choose the local port, so that a port in use means that none is left. Default: `false`. */
  readonly anyPort?: boolean | undefined
}

export const systemError = (failure: SystemFailure): NetworkError.NetworkError => {
  const { address, error, operation } = failure
  const code = textOf(error, "code")
  const syscall = textOf(error, "syscall")
  return new NetworkError.NetworkError({
    operation,
    address,
    reason: (code === undefined ? undefined : reasonOf(failure, code, syscall)) ??
      new NetworkError.Other({ message: messageOf(error, code, syscall) }),
    code,
    syscall,
    cause: error
  })
}

const textOf = (error: unknown, property: "code" | "syscall"): string | undefined => {
  if (!Predicate.hasProperty(error, property)) return undefined
  const value = error[property]
  return typeof value === "string" ? value : undefined
}

const messageOf = (error: unknown, code: string | undefined, syscall: string | undefined): string => {
  if (error instanceof Error) return error.message
  if (code !== undefined) return syscall === undefined ? code : `${syscall} failed`
  return typeof error === "object" && error !== null ? "an unknown failure" : String(error)
}

const reasonOf = (
  { address, anyPort = false, operation }: SystemFailure,
  code: string,
  syscall: string | undefined
): NetworkError.Reason | undefined => {
  if (code === "EADDRINUSE" && operation === "join") return new NetworkError.AddressInUse({ what: "group" })
  if (anyPort && (code === "EADDRINUSE" || (code === "EADDRNOTAVAIL" && syscall === "connect"))) {
    return new NetworkError.PortsExhausted()
  }
  // The program chose the port, and another connection to the same peer has it.
  if (code === "EADDRNOTAVAIL" && syscall === "connect") return new NetworkError.AddressInUse({})
  if (code === "EAGAIN") return operation === "connect" ? new NetworkError.BacklogFull() : undefined
  return reasons[code]?.(address)
}

const reasons: Record<string, (address: string) => NetworkError.Reason> = {
  EADDRINUSE: () => new NetworkError.AddressInUse({}),
  EADDRNOTAVAIL: () => new NetworkError.AddressNotAvailable(),
  ENODEV: () => new NetworkError.AddressNotAvailable(),
  EACCES: () => new NetworkError.PermissionDenied(),
  EPERM: () => new NetworkError.PermissionDenied(),
  EROFS: () => new NetworkError.PermissionDenied(),
  ECONNREFUSED: () => new NetworkError.ConnectionRefused(),
  ECONNRESET: () => new NetworkError.ConnectionReset(),
  ECONNABORTED: () => new NetworkError.ConnectionReset(),
  EPIPE: () => new NetworkError.BrokenPipe(),
  ERR_STREAM_WRITE_AFTER_END: () => new NetworkError.BrokenPipe(),
  ERR_STREAM_DESTROYED: () => new NetworkError.Closed(),
  ERR_SOCKET_CLOSED: () => new NetworkError.Closed(),
  ERR_SOCKET_DGRAM_NOT_RUNNING: () => new NetworkError.Closed(),
  EBADF: () => new NetworkError.Closed(),
  ETIMEDOUT: () => new NetworkError.TimedOut({ deadline: "system" }),
  ENOTFOUND: (address) => new NetworkError.HostNotFound({ host: hostOf(address) }),
  EAI_NONAME: (address) => new NetworkError.HostNotFound({ host: hostOf(address) }),
  EAI_NODATA: (address) => new NetworkError.HostNotFound({ host: hostOf(address) }),
  ENODATA: (address) => new NetworkError.HostNotFound({ host: hostOf(address) }),
  EAI_AGAIN: (address) => new NetworkError.NameServerFailed({ host: hostOf(address) }),
  EAI_FAIL: (address) => new NetworkError.NameServerFailed({ host: hostOf(address) }),
  ESERVFAIL: (address) => new NetworkError.NameServerFailed({ host: hostOf(address) }),
  EREFUSED: (address) => new NetworkError.NameServerFailed({ host: hostOf(address) }),
  ETIMEOUT: (address) => new NetworkError.NameServerFailed({ host: hostOf(address) }),
  EHOSTUNREACH: () => new NetworkError.Unreachable({ what: "host" }),
  EHOSTDOWN: () => new NetworkError.Unreachable({ what: "host" }),
  ENETUNREACH: () => new NetworkError.Unreachable({ what: "network" }),
  ENETDOWN: () => new NetworkError.Unreachable({ what: "network" }),
  EMSGSIZE: () => new NetworkError.MessageTooLarge({}),
  EMFILE: () => new NetworkError.TooManyOpenFiles(),
  ENFILE: () => new NetworkError.TooManyOpenFiles(),
  ENOTSOCK: () => new NetworkError.NotASocket(),
  EEXIST: () => new NetworkError.NotASocket(),
  ENOTDIR: () => new NetworkError.PathNotFound(),
  ENOENT: () => new NetworkError.PathNotFound(),
  ENAMETOOLONG: () => new NetworkError.PathTooLong({})
}

const hostOf = (address: string): string => address.replace(/^[a-z]+:\/\//, "").replace(/:\d+$/, "")
