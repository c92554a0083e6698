import type * as Trace from "../../../Trace.ts"
import { isUnix } from "../socketAddress.ts"
import type { Breakage } from "./endpointListener.ts"
import type { KeepAlive } from "./keepAlive.ts"
import type { Path } from "./path.ts"
import { ACK, SYN } from "./segment.ts"
import type { Sender } from "./sending/sender.ts"
import * as Settings from "./settings.ts"
import type { State } from "./state.ts"
import type { Timers } from "./timers.ts"

/** The parts of a connection that its timers act on. */
export interface Parts {
  readonly path: Path
  readonly timers: Timers
  readonly sender: Sender
  readonly keepAlive: KeepAlive | undefined
}

/** What is to be done about a timer that has expired. */
export type Due = "nothing" | "transmit" | "giveUp"

/** What a connection does when its timers expire: retransmits, probes, and gives up. */
export class Expiry {
  readonly #parts: Parts
  #synRetries = 0
  /** Why it is given up: the last ICMP error since the peer has acknowledged something, if there was one. */
  silence: Breakage = "ETIMEDOUT"

  constructor(parts: Parts) {
    this.#parts = parts
  }

  established(): void {
    this.#synRetries = 0
  }

  /** The first SYN met an old connection, which is reset now: SYN is sent again at once, as Linux does. */
  hurrySyn(): void {
    const { path, timers } = this.#parts
    if (this.#synRetries > 0) return
    timers.retransmitAt = path.now + Settings.hurriedSyn
    timers.schedule()
  }

  /** RFC 6298, section 5. `isOrphan`: the application has closed its descriptor. */
  timedOut(state: State, isOrphan: boolean): Due {
    const { path, sender } = this.#parts
    const { synRetries, userTimeout } = path.settings
    if (state === "SYN_SENT" || state === "SYN_RECEIVED") {
      const isClient = state === "SYN_SENT"
      const linear = isClient ? Settings.synLinearTimeouts : 0
      const retries = this.#synRetries++
      if (retries >= synRetries + linear) return this.giveUp()
      this.#note("retransmission")
      sender.retransmitSyn(isClient ? SYN : SYN | ACK, retries >= linear)
      sender.restartRetransmission()
      return "nothing"
    }
    const patience = isOrphan ? Math.min(userTimeout, Settings.orphanTimeout) : userTimeout
    if (path.now - sender.progressAt >= patience) return this.giveUp()
    this.#note("retransmission")
    sender.timedOut()
    return "transmit"
  }

  /** RFC 9293, section 3.8.6.1. */
  probeWindow(): Due {
    const { path, sender } = this.#parts
    if (path.now - sender.progressAt >= path.settings.userTimeout) return this.giveUp()
    this.#note("persist")
    sender.probeWindow()
    return "nothing"
  }

  /** RFC 9293, section 3.8.4. */
  probeLife(): Due {
    const { keepAlive, sender, timers } = this.#parts
    if (keepAlive === undefined || timers.keepAliveAt > this.#parts.path.now) return "nothing"
    const due = keepAlive.expire(sender.isUnderWay)
    if (due === "giveUp") return this.giveUp()
    if (due === "wait") return "nothing"
    this.#note("keepAlive")
    sender.probe()
    return "nothing"
  }

  giveUp(): Due {
    this.#note("giveUp")
    return "giveUp"
  }

  #note(name: Trace.Timer["name"]): void {
    const { path: { local, now, remote, stack } } = this.#parts
    if (isUnix(local.address)) return
    stack.note({ _tag: "Timer", at: now, host: stack.name, source: local, destination: remote, name })
  }
}
