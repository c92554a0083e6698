import type * as Clock from "effect/Clock"
import type * as UdpServerEvent from "../../UdpServerEvent.ts"
import { Buckets, hasToken, type Rate, takeToken } from "../accept/tokenBuckets.ts"
import { monotonicMillis } from "../time/monotonic.ts"
import type { DatagramState, UdpSocketState } from "../udp/udpSocket.ts"

/** Sources that are remembered for `ratePerSource`. */
const capacity = 65_536

/** Milliseconds between two reports of one rejection. */
const pause = 1000

interface Options {
  readonly socket: UdpSocketState
  readonly rate: Rate | undefined
  readonly handleOwn: boolean
  readonly clock: Clock.Clock
  readonly report: (why: UdpServerEvent.Rejection, datagram: DatagramState, count: number) => void
}

/** Decides which datagrams are handled, and counts the others. */
export class Admission {
  readonly rejected: Record<UdpServerEvent.Rejection, number> = { ratePerSource: 0, handleOwn: 0 }
  readonly #unreported = {
    ratePerSource: { count: 0, lastReport: -Infinity },
    handleOwn: { count: 0, lastReport: -Infinity }
  }
  readonly #buckets = new Buckets<string>(capacity)
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** Whether to handle a datagram. Its source is not parsed. */
  admits(datagram: DatagramState): boolean {
    const { clock, handleOwn, rate, socket } = this.#options
    if (!handleOwn && socket.sent(datagram.origin)) return this.#reject("handleOwn", datagram)
    if (rate === undefined) return true
    const now = monotonicMillis(clock)
    const source = `${datagram.origin.address} ${datagram.origin.port}`
    const fullAt = this.#buckets.get(source)
    if (!hasToken(fullAt, rate, now)) return this.#reject("ratePerSource", datagram)
    this.#buckets.set(source, takeToken(fullAt, rate, now), now)
    return true
  }

  #reject(why: UdpServerEvent.Rejection, datagram: DatagramState): false {
    this.rejected[why]++
    const { clock, report } = this.#options
    const unreported = this.#unreported[why]
    unreported.count++
    const now = monotonicMillis(clock)
    if (now - unreported.lastReport >= pause) {
      unreported.lastReport = now
      report(why, datagram, unreported.count)
      unreported.count = 0
    }
    return false
  }
}
