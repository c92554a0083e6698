import type * as Server from "@sluice/core/Server"
import type * as ServerEvent from "@sluice/core/ServerEvent"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as NetAddress from "effect/net/NetAddress"
import type * as Workers from "../../Workers.ts"

/** The longest text of a cause or an annotation that is sent, in characters. */
const longest = 2_000

const isAddress = (value: object): value is NetAddress.SocketAddress =>
  NetAddress.isUnixPathAddress(value) || NetAddress.isInetAddress(value)

/** A value that a message can have. */
const plain = (value: unknown): unknown => {
  if (typeof value === "string") return value.slice(0, longest)
  if (typeof value === "bigint") return String(value)
  if (typeof value === "symbol" || typeof value === "function") return String(value).slice(0, longest)
  if (typeof value !== "object" || value === null) return value
  if (isAddress(value)) return NetAddress.formatSocketAddress(value)
  if (Duration.isDuration(value)) return Duration.toMillis(value)
  if (Cause.isCause(value)) return Cause.pretty(value).slice(0, longest)
  if (value instanceof Error) return value.message.slice(0, longest)
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, each]) => [String(key), plain(each)]))
  return String(value).slice(0, longest)
}

/** The fields of an event, without its tag and time. */
export const eventFacts = (event: ServerEvent.ServerEvent): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(event).flatMap(([key, value]) => key === "_tag" || key === "at" ? [] : [[key, plain(value)]])
  )

/** The description of an open connection. */
export const connectionFacts = (server: Server.Server, open: Server.OpenConnection): Workers.ConnectionFacts => ({
  id: open.id,
  listening: NetAddress.formatSocketAddress(server.address),
  localAddress: NetAddress.formatSocketAddress(open.localAddress),
  remoteAddress: NetAddress.formatSocketAddress(open.remoteAddress),
  since: open.since,
  bytesIn: open.bytesIn,
  bytesOut: open.bytesOut,
  idle: Duration.toMillis(open.idle),
  doing: open.doing,
  doingFor: Duration.toMillis(open.doingFor),
  annotations: plain(open.annotations) as Readonly<Record<string, unknown>>
})
