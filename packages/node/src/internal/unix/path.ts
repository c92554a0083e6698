import * as NetworkError from "@sluice/core/NetworkError"
import * as NetAddress from "effect/net/NetAddress"
import * as Path from "node:path"
import { builtins } from "../facade/builtins.ts"

/** The maximum length of a path in bytes: `sun_path` less the NUL at its end (unix(7) on Linux, unix(4) on BSD and macOS). */
export const limit = process.platform === "linux" ? 107 : 103

/** The error of a path that is too long for an address. Node may truncate it instead. */
export const checkPath = (
  operation: "connect" | "listen",
  address: NetAddress.SocketAddress
): NetworkError.NetworkError | undefined =>
  NetAddress.isUnixPathAddress(address) && Buffer.byteLength(address.path) > limit
    ? NetworkError.make(operation, NetAddress.formatUnixPath(address), new NetworkError.PathTooLong({ limit }))
    : undefined

/** A path that the system takes as an address, for as long as it is not closed. */
export interface Addressable {
  readonly path: string
  readonly close: () => void
}

/** An addressable path to a file, even if its own path is too long: on Linux through the descriptor of its folder. */
export const addressable = (path: string): Addressable | undefined => {
  if (Buffer.byteLength(path) <= limit) return { path, close: () => {} }
  if (process.platform !== "linux") return undefined
  const folder = builtins.fs.openSync(Path.dirname(path), builtins.fs.constants.O_DIRECTORY)
  return { path: `/proc/self/fd/${folder}/${Path.basename(path)}`, close: () => builtins.fs.closeSync(folder) }
}
