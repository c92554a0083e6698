import type * as Fiber from "effect/Fiber"
import type * as SimulationError from "../../SimulationError.ts"
import type * as Trace from "../../Trace.ts"
import { CurrentProcess } from "../kernel/process.ts"
import { describeWait } from "../kernel/tcp/state.ts"
import type { World } from "../world/world.ts"

/** A fiber by its spans, or the functions (`Effect.fn`) that it is in. `until` is in microseconds. */
export const describeFiber = (
  fiber: Fiber.Fiber<unknown, unknown>,
  awaitsPromise: boolean,
  until?: number
): SimulationError.WaitingFiber => {
  const names: Array<string> = []
  let { span } = fiber.cache
  while (span?._tag === "Span") {
    names.unshift(span.name)
    span = span.parent._tag === "Some" ? span.parent.value : undefined
  }
  if (names.length === 0) {
    for (let { stackFrame } = fiber.cache; stackFrame !== undefined; stackFrame = stackFrame.parent) {
      names.unshift(stackFrame.name)
    }
  }
  const host = fiber.getRef(CurrentProcess)?.host.name ?? ""
  const name = names.length === 0 ? undefined : names.join(" > ")
  return { id: fiber.id, host, name, awaitsPromise, sleepsUntil: until === undefined ? undefined : until / 1000 }
}

const format = ({ address, port }: Trace.Socket): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`

/** What the sockets of a network wait for. */
export const describeSockets = (world: World): ReadonlyArray<SimulationError.WaitingSocket> =>
  [...world.hosts.values()].flatMap((host) => [
    ...[...host.tcp.connections.values()].filter(({ state }) => state !== "TIME_WAIT").map((endpoint) => ({
      host: host.name,
      name: `tcp ${format(endpoint.local)} -> ${format(endpoint.remote)}, ${endpoint.state}`,
      waitsFor: `waits for ${describeWait(endpoint.state, endpoint.pending)}`
    })),
    ...host.tcp.listeners.all.map((listener) => ({
      host: host.name,
      name: `tcp ${format(listener)}, LISTEN`,
      waitsFor: "waits for connections"
    })),
    ...host.udp.sockets.all.map((socket) => ({
      host: host.name,
      name: `udp ${format(socket)}`,
      waitsFor: "waits for datagrams"
    }))
  ])
