import * as NetworkError from "@sluice/core/NetworkError"
import * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"

// The length of `sun_path`, less the NUL at its end: unix(7) on Linux, unix(4) on the BSDs and macOS.
const limit = process.platform === "linux" ? 107 : 103

/** What is wrong with a path as an address, if anything: Node may cut it short without a word. */
export const checkPath = (
  operation: "connect" | "listen",
  address: NetAddress.SocketAddress
): NetworkError.NetworkError | undefined =>
  NetAddress.isUnixPathAddress(address) && Buffer.byteLength(address.path) > limit
    ? NetworkError.make(operation, NetAddress.formatUnixPath(address), new NetworkError.PathTooLong({ limit }))
    : undefined

/**
 * Clears the way for a listener whose path is taken: removes the socket file if nobody listens on it any more, as after
 * a crash. Fails with `AddressInUse` if somebody does, and with `NotASocket` if it is something else.
 */
export const clearStale = (path: string, taken: NetworkError.NetworkError) =>
  Effect.suspend(() => {
    const fail = (reason: NetworkError.Reason) =>
      Effect.fail(
        new NetworkError.NetworkError({
          ...taken,
          operation: "listen",
          address: `unix://${path}`,
          reason,
          cause: taken.cause
        })
      )
    const stats = Fs.lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined) return Effect.void
    if (!stats.isSocket()) return fail(new NetworkError.NotASocket())
    return Effect.flatMap(isAnswered(path), (answered) => {
      if (answered) return fail(new NetworkError.AddressInUse({}))
      return Effect.try({
        try: () => Fs.unlinkSync(path),
        catch: (error) => Transport.systemError({ operation: "listen", address: `unix://${path}`, error })
      })
    })
  })

/** What a listener's error really means: libuv says `EACCES` where the system said that a folder is missing. */
export const explain = (path: string, error: NetworkError.NetworkError): NetworkError.NetworkError => {
  if (error.reason._tag !== "PermissionDenied" || Fs.existsSync(Path.dirname(path))) return error
  return new NetworkError.NetworkError({
    operation: "listen",
    address: `unix://${path}`,
    reason: new NetworkError.PathNotFound(),
    cause: error.cause
  })
}

const isAnswered = (path: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = Net.connect({ path })
    const settle = (answered: boolean) => () => {
      socket.destroy()
      resume(Effect.succeed(answered))
    }
    socket.once("connect", settle(true))
    // Anything but a refusal (no permission, a full backlog) means that somebody may be there.
    socket.once("error", (error: NodeJS.ErrnoException) => settle(error.code !== "ECONNREFUSED")())
  })
