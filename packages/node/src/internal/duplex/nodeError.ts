import * as Endpoint from "@sluice/core/Endpoint"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Host from "effect/net/Host"
import * as Result from "effect/Result"
import { getSystemErrorMap } from "node:util"

// Node's codes for reasons that came without one.
const codes: { readonly [Tag in NetworkError.Reason["_tag"]]?: string } = {
  AddressInUse: "EADDRINUSE",
  AddressNotAvailable: "EADDRNOTAVAIL",
  BrokenPipe: "EPIPE",
  Closed: "ECONNABORTED",
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNRESET",
  HostNotFound: "ENOTFOUND",
  NameServerFailed: "EAI_AGAIN",
  PathNotFound: "ENOENT",
  PermissionDenied: "EACCES",
  TimedOut: "ETIMEDOUT",
  TooManyOpenFiles: "EMFILE",
  Unreachable: "EHOSTUNREACH"
}

const systemCalls: { readonly [Operation in NetworkError.Operation]?: string } = { resolve: "getaddrinfo" }

// Node reports EAI_NONAME as ENOTFOUND.
const errorNumbers = new Map([
  ...[...getSystemErrorMap()].map(([errno, [code]]) => [code, errno] as const),
  ["ENOTFOUND", -3008]
])

/**
 * The error that Node's sockets would emit: with `code`, `errno` and `syscall`, and with `address` and `port` where it failed to
 * connect, or `hostname` where it failed to resolve. Its `cause` is the `NetworkError`.
 */
export const toNodeError = (error: NetworkError.NetworkError): NodeJS.ErrnoException => {
  const { attempts = [], operation, reason } = error
  if (attempts.length > 1) {
    const errors = attempts.map(toNodeError)
    return Object.assign(new AggregateError(errors, "", { cause: error }), { code: errors[0]!.code! })
  }
  const code = error.code ?? codes[reason._tag] ?? "ECONNABORTED"
  const syscall = error.syscall ?? systemCalls[operation] ?? operation
  const { shown = "", ...facts } = operation === "connect" || operation === "resolve"
    ? placeOf(error.address, operation)
    : {}
  const message = `${syscall} ${code} ${shown}`.trimEnd()
  return Object.assign(new Error(message, { cause: error }), {
    errno: errorNumbers.get(code)!,
    code,
    syscall,
    ...facts
  })
}

/** Where it failed, as properties of Node's error; `shown` is the end of its message. */
interface Place {
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
  readonly shown?: string
}

const placeOf = (address: string, operation: "connect" | "resolve"): Place => {
  const endpoint = Result.getOrUndefined(Endpoint.parse(address))
  if (endpoint === undefined || endpoint._tag === "Inherited") return {}
  if (endpoint._tag === "Unix") return { address: endpoint.path, shown: endpoint.path }
  const host = Host.formatHost(endpoint.host)
  return operation === "resolve"
    ? { hostname: host, shown: host }
    : { address: host, port: endpoint.port, shown: `${host}:${endpoint.port}` }
}

/** An error of the operating system that has no `NetworkError` behind it. */
export const systemError = (syscall: string, code: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${syscall} ${code}`), { errno: errorNumbers.get(code)!, code, syscall })

/** An error with a code of Node's own. */
export const codedError = (code: string, message: string): NodeJS.ErrnoException =>
  Object.assign(new Error(message), { code })

/** The error that Node throws for an argument. */
export const argumentError = (
  kind: new(message: string) => Error,
  code: string,
  name: string,
  value: unknown
): NodeJS.ErrnoException =>
  Object.assign(new kind(`The value of "${name}" is invalid. Received ${String(value)}`), { code })
