import type * as NetworkError from "@sluice/core/NetworkError"

// What Node calls a reason that came without a name of the system's.
const codes: { readonly [Tag in NetworkError.Reason["_tag"]]?: string } = {
  AddressInUse: "EADDRINUSE",
  AddressNotAvailable: "EADDRNOTAVAIL",
  BrokenPipe: "EPIPE",
  Closed: "ECONNABORTED",
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNRESET",
  HostNotFound: "ENOTFOUND",
  PathNotFound: "ENOENT",
  PermissionDenied: "EACCES",
  TimedOut: "ETIMEDOUT",
  TooManyOpenFiles: "EMFILE",
  Unreachable: "EHOSTUNREACH"
}

/** An error as Node's sockets give it: with `code` and `syscall`, and the `NetworkError` as its `cause`. */
export const toNodeError = (error: NetworkError.NetworkError): NodeJS.ErrnoException => {
  const code = error.code ?? codes[error.reason._tag] ?? "ECONNABORTED"
  const syscall = error.syscall ?? error.operation
  return Object.assign(new Error(`${syscall} ${code}: ${error.message}`, { cause: error }), { code, syscall })
}
