import * as Endpoint from "@sluice/core/Endpoint"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import type * as NodeDuplex from "../../NodeDuplex.ts"
import { argumentError } from "./nodeError.ts"

/** Makes an endpoint, TCP or TLS, of a host and a port. */
export type At = (host: string, port: number) => Endpoint.Input

/** The arguments of `net.connect`. */
export interface ConnectArguments {
  readonly options: NodeDuplex.ConnectOptions
  readonly endpoint: Endpoint.Input
  /** Options that override those of the connector. */
  readonly local: Pick<SocketOptions.ConnectOptions, "localAddress" | "localPort">
  readonly onConnect: (() => void) | undefined
}

/** Reads the arguments of `net.connect`: options, a port and a host, or a path; and a callback. Throws as `net.connect` does. */
export const readArguments = (args: ReadonlyArray<unknown>, at: At): ConnectArguments => {
  // Some libraries pass all arguments as one array.
  const [first, second] = Array.isArray(args[0]) ? args[0] as ReadonlyArray<unknown> : args
  const last = args.at(-1)
  const onConnect = typeof last === "function" ? last as () => void : undefined
  const options = (typeof first === "object" && first !== null
    ? first
    : typeof first === "string" && !(Number(first) >= 0)
    ? { path: first }
    : { port: first, host: typeof second === "string" ? second : undefined }) as NodeDuplex.ConnectOptions
  return { options, endpoint: endpointOf(options, at), local: localOf(options), onConnect }
}

// In options of node:http, `path` is the path of the request. It is the path of a socket only if there is no port.
const endpointOf = ({ host, path, port }: NodeDuplex.ConnectOptions, at: At): Endpoint.Input => {
  if (port === undefined || port === null) {
    if (path === undefined || path === null) throw argumentError(TypeError, "ERR_MISSING_ARGS", "port", port)
    return Endpoint.unix(path)
  }
  const number = port === "" ? Number.NaN : Number(port)
  if (!(Number.isInteger(number) && number >= 0 && number < 65_536)) {
    throw argumentError(RangeError, "ERR_SOCKET_BAD_PORT", "options.port", port)
  }
  return at((host || "localhost").replace(/^\[|\]$/g, ""), number)
}

const localOf = ({ localAddress, localPort }: NodeDuplex.ConnectOptions): ConnectArguments["local"] => ({
  ...localAddress && { localAddress },
  ...localPort && { localPort }
})
