import type * as Clock from "effect/Clock"
import type * as UdpServerEvent from "../../UdpServerEvent.ts"
import { Buckets, hasToken, type Rate, takeToken } from "../accept/tokenBuckets.ts"
import { monotonicMillis } from "../time/monotonic.ts"
import type { DatagramState, UdpSocketState } from "../udp/udpSocket.ts"

/** Sources that are remembered for `ratePerSource`. */
const capacity = 65_536

/** Milliseconds between two reports of one rejection. */
const pause = 1000

interface Unreported {
  count: number
  lastReport: number
}

/** Decides which datagrams are handled, and counts the others. */
export class Admission {
  readonly rejected: Record<UdpServerEvent.Rejection, number> = { ratePerSource: 0, handleOwn: 0 }
  readonly #unreported: Record<UdpServerEvent.Rejection, Unreported> = {
    ratePerSource: { count: 0, lastReport: -Infinity },
    handleOwn: { count: 0, lastReport: -Infinity }
  }
  readonly #socket: UdpSocketState
  readonly #rate: Rate | undefined
  readonly #handleOwn: boolean
  readonly #clock: Clock.Clock
  readonly #buckets = new Buckets<string>(capacity)
  readonly #report: (why: UdpServerEvent.Rejection, datagram: DatagramState, count: number) => void

  constructor(options: {
    readonly socket: UdpSocketState
    readonly rate: Rate | undefined
    readonly handleOwn: boolean
    readonly clock: Clock.Clock
    readonly report: (why: UdpServerEvent.Rejection, datagram: DatagramState, count: number) => void
  }) {
    this.#socket = options.socket
    this.#rate = options.rate
    this.#handleOwn = options.handleOwn
    this.#clock = options.clock
    this.#report = options.report
  }

  /** Whether to handle a datagram. Its source is not parsed. */
  admits(datagram: DatagramState): boolean {
    if (!this.#handleOwn && this.#socket.sent(datagram.origin)) return this.#reject("handleOwn", datagram)
    const rate = this.#rate
    if (rate === undefined) return true
    const now = monotonicMillis(this.#clock)
    const source = `${datagram.origin.address} ${datagram.origin.port}`
    const fullAt = this.#buckets.get(source)
    if (!hasToken(fullAt, rate, now)) return this.#reject("ratePerSource", datagram)
    this.#buckets.set(source, takeToken(fullAt, rate, now), now)
    return true
  }

  #reject(why: UdpServerEvent.Rejection, datagram: DatagramState): false {
    this.rejected[why]++
    const unreported = this.#unreported[why]
    unreported.count++
    const now = monotonicMillis(this.#clock)
    if (now - unreported.lastReport >= pause) {
      unreported.lastReport = now
      this.#report(why, datagram, unreported.count)
      unreported.count = 0
    }
    return false
  }
}
