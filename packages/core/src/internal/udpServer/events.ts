import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as UdpServerEvent from "../../UdpServerEvent.ts"
import { EventHub } from "../log/eventHub.ts"
import { handlerFailed } from "../log/lines.ts"
import { type Line, RepeatedLines } from "../log/repeatedLines.ts"
import { plural } from "../text/plural.ts"

const logged: ReadonlySet<UdpServerEvent.UdpServerEvent["_tag"]> = new Set([
  "HandlerFailed",
  "Rejected",
  "ReceiveFailed"
])

/** Passes the events of a datagram server to its log and to the streams that run. */
export class Events extends EventHub<UdpServerEvent.UdpServerEvent> {
  /** What every event has. */
  readonly common: () => UdpServerEvent.Common

  constructor({ clock, context, listening }: {
    readonly clock: Clock.Clock
    readonly context: Context.Context<never>
    readonly listening: NetAddress.InetAddress
  }) {
    const common = (): UdpServerEvent.Common => ({ at: clock.currentTimeMillisUnsafe(), listening })
    const lines = new RepeatedLines()
    const write = (event: UdpServerEvent.UdpServerEvent) => {
      const line = lineOf(event)
      return line === undefined ? Effect.void : lines.write(line)
    }
    super({
      log: { tags: logged, write, flush: lines.flush },
      context,
      eventsLost: (count) => new UdpServerEvent.EventsLost({ ...common(), count })
    })
    this.common = common
  }
}

const lineOf = (event: UdpServerEvent.UdpServerEvent): Line | undefined => {
  const listening = NetAddress.formatInet(event.listening)
  switch (event._tag) {
    case "HandlerFailed":
      return { ...handlerFailed(event.cause), annotations: { peer: NetAddress.formatInet(event.source), listening } }
    case "Rejected":
      return {
        level: "Warn",
        kind: event.why,
        message: `rejected ${plural(event.count, "datagram")}: ${rejections[event.why]}`,
        annotations: { peer: NetAddress.formatInet(event.source), listening }
      }
    case "ReceiveFailed": {
      const { message, reason } = event.error
      return { level: "Warn", kind: `receive ${reason._tag}`, message, annotations: { listening } }
    }
    default:
      return undefined
  }
}

const rejections: Readonly<Record<UdpServerEvent.Rejection, string>> = {
  ratePerSource: "the source sends more than ratePerSource allows",
  handleOwn: "the server sent them itself, or the source is forged; set handleOwn to handle them"
}
