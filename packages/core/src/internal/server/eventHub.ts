import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import type * as NetAddress from "effect/net/NetAddress"
import * as ServerEvent from "../../ServerEvent.ts"
import type * as ServerLog from "../../ServerLog.ts"
import { EventHub } from "../log/eventHub.ts"

/** Passes a server's events to its log and to the streams that run. */
export class Events extends EventHub<ServerEvent.ServerEvent> {
  /** What every event has. */
  readonly common: (at?: number) => ServerEvent.Common

  constructor({ clock, context, listening, log: { open, tags } }: {
    readonly log: ServerLog.ServerLog
    readonly clock: Clock.Clock
    readonly context: Context.Context<never>
    readonly listening: NetAddress.SocketAddress
  }) {
    const common = (at = clock.currentTimeMillisUnsafe()): ServerEvent.Common => ({ at, listening })
    super({
      log: { tags, ...open() },
      context,
      eventsLost: (count) => new ServerEvent.EventsLost({ ...common(), count })
    })
    this.common = common
  }
}
