import { isFramingError } from "@sluice/framing/FramingError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as NetAddress from "effect/net/NetAddress"
import * as NetworkError from "../../NetworkError.ts"
import type * as ServerEvent from "../../ServerEvent.ts"
import { formatPeer } from "../address/peerAddress.ts"
import { count, plural } from "../text/plural.ts"
import type { Line } from "./repeatedLines.ts"

/** What `ServerLog.standard` says of an event. */
export const standardLine = (
  event:
    | ServerEvent.HandlerFailed
    | ServerEvent.AcceptFailed
    | ServerEvent.HandshakeFailed
    | ServerEvent.Full
    | ServerEvent.DescriptorsShort
    | ServerEvent.Draining
    | ServerEvent.Drained
): Line | undefined => {
  const annotations = { listening: NetAddress.formatSocketAddress(event.listening) }
  switch (event._tag) {
    case "HandlerFailed":
      return { ...handlerFailed(event.cause), annotations: { peer: formatPeer(event), ...annotations } }
    case "AcceptFailed":
      return {
        level: "Warn",
        // At most one a second by itself.
        kind: `accept ${event.at}`,
        message: event.error.message + (event.count === 1 ? "" : ` (${plural(event.count, "connection")})`),
        annotations
      }
    case "HandshakeFailed": {
      const { error } = event
      const level = isProbe(error.reason) ? "Debug" : "Warn"
      return { level, kind: `handshake ${error.reason._tag}`, message: error.message, annotations }
    }
    case "Full":
      return {
        level: "Warn",
        kind: "full",
        message: `full: ${plural(event.open, "connection")} open` +
          (event.waiting === 0 ? "" : `, ${count(event.waiting)} waiting`) +
          "; raise maxConnections, or set maxConnectionsPerAddress",
        annotations
      }
    case "DescriptorsShort":
      return {
        level: "Warn",
        kind: "descriptors",
        message: `maxConnections and backlog need ${count(event.needed)} descriptors, and the process may open ` +
          `${count(event.limit)}; lower maxConnections, or raise the limit (ulimit -n, LimitNOFILE=)`,
        annotations
      }
    case "Draining":
      return event.open === 0 ? undefined : {
        level: "Info",
        kind: "draining",
        message: `draining: ${plural(event.open, "connection")} open, up to ${period(event.grace)}`,
        annotations
      }
    case "Drained":
      return event.ended + event.cut === 0 ? undefined : {
        level: "Info",
        kind: "drained",
        message: `drained: ${plural(event.ended, "connection")} ended, ${count(event.cut)} cut`,
        annotations
      }
  }
}

/** What `ServerLog.detailed` adds. */
export const detailedLine = (
  event:
    | ServerEvent.Listening
    | ServerEvent.Accepted
    | ServerEvent.Refused
    | ServerEvent.Closed
    | ServerEvent.Suspended
    | ServerEvent.Resumed
): Line => {
  const listening = NetAddress.formatSocketAddress(event.listening)
  switch (event._tag) {
    case "Accepted": {
      const peer = formatPeer(event)
      return { level: "Debug", kind: "accepted", message: "accepted", annotations: { peer, listening } }
    }
    case "Refused": {
      const peer = formatPeer({ localAddress: event.listening, remoteAddress: event.remoteAddress })
      const message = `refused: ${event.why}`
      return { level: "Debug", kind: message, message, annotations: { peer, listening } }
    }
    case "Closed": {
      const { annotations, bytesIn, bytesOut, duration, reason } = event
      return {
        level: "Debug",
        kind: `closed ${reason}`,
        message: `${reason}: ${plural(bytesIn, "byte")} in, ${plural(bytesOut, "byte")} out, ` +
          `${Math.round(Duration.toMillis(duration))} ms`,
        annotations: { ...Object.fromEntries(annotations), peer: formatPeer(event), listening }
      }
    }
    default:
      return { level: "Info", kind: event._tag, message: event._tag.toLowerCase(), annotations: { listening } }
  }
}

/** A failed handler. An `Error` that it failed with is expected: one line. A defect comes with its cause. */
export const handlerFailed = (cause: Cause.Cause<unknown>): Omit<Line, "annotations"> => {
  const error = Cause.squash(cause)
  // Clients leave without closing: nobody has to act on that.
  if (!Cause.hasDies(cause) && NetworkError.isNetworkError(error) && isDeparture(error.reason)) {
    return { level: "Debug", kind: `handler ${error.reason._tag}`, message: error.reason.message }
  }
  return error instanceof Error && !Cause.hasDies(cause)
    ? { level: "Warn", kind: `handler ${kindOf(error)}`, message: error.message }
    : { level: "Error", kind: `defect ${kindOf(error)}`, message: "the handler failed", cause }
}

const kindOf = (error: unknown): string => {
  if (NetworkError.isNetworkError(error) || isFramingError(error)) return `${error.name} ${error.reason._tag}`
  const { message, name } = error instanceof Error ? error : { message: String(error), name: "" }
  // Numbers differ from one repeat to the next: ports, offsets, ids.
  return `${name} ${message.slice(0, 100).replace(/\d+/g, "0")}`
}

// Load balancers and port scanners connect and leave: nobody has to act on that.
const isProbe = (reason: NetworkError.Reason): boolean =>
  reason._tag === "HandshakeCut" || reason._tag === "ConnectionReset" || reason._tag === "Closed" ||
  (reason._tag === "InvalidProxyHeader" && reason.fault._tag === "TruncatedHeader" && reason.fault.received === 0)

const isDeparture = (reason: NetworkError.Reason): boolean =>
  reason._tag === "ConnectionReset" || reason._tag === "Truncated" ||
  (reason._tag === "UnexpectedEnd" && reason.received === 0)

const period = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  return millis < 1000 ? `${millis} ms` : millis < 120_000 ? `${millis / 1000} s` : `${Math.round(millis / 60_000)} min`
}
