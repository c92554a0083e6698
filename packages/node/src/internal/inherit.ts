import * as NetworkError from "@sluice/core/NetworkError"
import type * as Transport from "@sluice/core/Transport"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Net from "node:net"
import { builtins } from "./facade/builtins.ts"
import { boundAddress, listenFrom, open, transportOf } from "./listen.ts"
import { CurrentSocketSource } from "./socketSource.ts"

/** The first descriptor that a service manager passes (sd_listen_fds(3)). */
const firstDescriptor = 3

// A descriptor that was used is closed by its listener, and its number belongs to something else by then.
const used = new Set<number>()

/** Listens on a socket that the process inherited. In a worker, the supervisor inherited it. */
export const inherit = (
  socket: number | string | undefined,
  settings: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  reuseReadBuffer: boolean
): Effect.Effect<Transport.ListenerTransport, NetworkError.NetworkError> =>
  Effect.flatMap(Effect.service(CurrentSocketSource), (source) =>
    source === undefined
      ? inheritHere(socket, settings, receiver, reuseReadBuffer)
      : listenFrom(source, endpointOf(socket), { type: "inherited", socket }, settings, receiver, reuseReadBuffer))

const endpointOf = (socket: number | string | undefined): string =>
  typeof socket === "number" ? `fd://${socket}` : `systemd://${socket ?? ""}`

/** Finds an inherited socket, and marks it as used: no other listener gets it. */
export const take = (socket: number | string | undefined): Effect.Effect<number, NetworkError.NetworkError> =>
  Effect.suspend(() => {
    const descriptor = find(socket)
    if (descriptor === undefined) {
      const found = Array.from(passed(), ({ descriptor, name }) => `fd://${descriptor} (${name})`)
      return Effect.fail(NetworkError.make("listen", endpointOf(socket), new NetworkError.NoInheritedSocket({ found })))
    }
    used.add(descriptor)
    return Effect.succeed(descriptor)
  })

const inheritHere = (
  socket: number | string | undefined,
  settings: Transport.ListenSettings,
  receiver: Transport.ListenerReceiver,
  reuseReadBuffer: boolean
): Effect.Effect<Transport.ListenerTransport, NetworkError.NetworkError> =>
  Effect.flatMap(take(socket), (descriptor) => {
    const options = { fd: descriptor, backlog: settings.backlog }
    let bound: NetAddress.SocketAddress
    const boundTo = (server: Net.Server) => bound = addressOf(server, descriptor)
    return Effect.map(
      open(endpointOf(socket), boundTo, options, settings, receiver, reuseReadBuffer),
      (server) => transportOf(server, bound)
    )
  })

const find = (socket: number | string | undefined): number | undefined => {
  if (typeof socket === "number") return !used.has(socket) && isSocket(socket) ? socket : undefined
  const candidates = passed().filter(({ name }) => socket === undefined || name === socket)
  return socket === undefined && candidates.length > 1 ? undefined : candidates[0]?.descriptor
}

/** The sockets that a service manager passed to this process, and not to its parent. */
const passed = (): ReadonlyArray<{ readonly descriptor: number; readonly name: string }> => {
  const { LISTEN_FDNAMES = "", LISTEN_FDS = "0", LISTEN_PID } = process.env
  if (LISTEN_PID !== String(process.pid) || !/^\d{1,5}$/.test(LISTEN_FDS)) return []
  const names = LISTEN_FDNAMES.split(":")
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => ({
    descriptor: firstDescriptor + index,
    name: names[index] || "unknown"
  })).filter(({ descriptor }) => !used.has(descriptor) && isSocket(descriptor))
}

const isSocket = (descriptor: number): boolean => {
  try {
    return builtins.fs.fstatSync(descriptor).isSocket()
  } catch {
    return false
  }
}

const addressOf = (server: Net.Server, descriptor: number): NetAddress.SocketAddress =>
  typeof server.address() === "object" && server.address() !== null
    ? boundAddress(server)
    : NetAddress.unixPathAddress(pathOf(descriptor))

// Node does not ask for the path of a Unix-domain socket that it has not bound. Linux lists them by inode (proc_net(5)).
export const pathOf = (descriptor: number): string => {
  try {
    const inode = String(builtins.fs.fstatSync(descriptor).ino)
    for (const line of builtins.fs.readFileSync("/proc/net/unix", "utf8").split("\n")) {
      const [, , , , , , found, ...path] = line.split(" ").filter((part) => part !== "")
      if (found === inode) return path.join(" ")
    }
  } catch {
    // Not on Linux.
  }
  return ""
}
