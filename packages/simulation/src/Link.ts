/**
 * The link between two hosts: the latency of packets, and how many are lost, duplicated, reordered or corrupted.
 *
 * `SimNetwork.link` sets it for a pair of hosts, and `defaults` of `SimNetwork.layer` for all others.
 *
 * **Example**
 *
 * ```ts
 * import * as Link from "@sluice/simulation/Link"
 *
 * const mobile: Link.Options = {
 *   latency: Link.exponential({ mean: "80 millis", least: "30 millis" }),
 *   bandwidth: 2_000_000,
 *   loss: 0.02,
 *   mtu: 1280
 * }
 * ```
 *
 * **Details**
 *
 * - Packets in one direction stay in order whatever their latency, unless `reordering` is set.
 * - Each of these settings draws from a random stream of its own in each direction, so that one does not change another.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { always } from "./internal/fabric/linkSettings.ts"

/**
 * The latency of packets, drawn anew for each. Made by `fixed` and `exponential`; any other distribution is an object with
 * a `sample` of its own, which must draw from `random` alone so that a seed repeats the run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Latency {
  readonly _tag: "Latency"
  /** Draws a latency in milliseconds. `random` gives numbers from 0 to 1, without 1. */
  readonly sample: (random: () => number) => number
}

/**
 * The settings of a link.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The latency in one direction. Default: 1 millisecond, and 50 microseconds from a host to itself. */
  readonly latency?: Duration.Input | Latency | undefined
  /** Added to the latency: from 0 up to this, drawn for each packet. Default: 0. */
  readonly jitter?: Duration.Input | undefined
  /** Bits per second. Packets that are sent faster wait in the queue. Default: no limit. */
  readonly bandwidth?: number | undefined
  /** The capacity of the queue in bytes, if there is a bandwidth. Packets that do not fit are dropped. Default: 256 KiB. */
  readonly queue?: number | undefined
  /** Probability, 0 to 1, that a packet is lost. Default: 0. */
  readonly loss?: number | undefined
  /** Probability, 0 to 1, that a packet arrives twice. Default: 0. */
  readonly duplication?: number | undefined
  /** Probability, 0 to 1, that a packet is delayed, and others overtake it. Default: 0. */
  readonly reordering?: number | undefined
  /**
   * Probability, 0 to 1, that a bit of a packet is flipped. The TCP checksum detects that, and the segment is lost; a
   * datagram is delivered corrupted, as one without a checksum would be. Default: 0.
   */
  readonly corruption?: number | undefined
  /** The largest IP packet in bytes, headers included, 68 to 65535. Default: 1500, and 65535 from a host to itself. */
  readonly mtu?: number | undefined
  /**
   * Probability, 0 to 1, that a TCP segment is shortened, that a write waits for the next one, and that a read returns
   * less than has arrived: what programs must be ready for. Default: 0.1, and 0 from a host to itself.
   */
  readonly segmentation?: number | undefined
  /** Loss in bursts, besides `loss`. `false`: none. Default: none. */
  readonly bursts?: Bursts | false | undefined
  /** A stateful firewall or a NAT on the link. `false`: none. Default: none. */
  readonly middlebox?: Middlebox | false | undefined
}

/**
 * Loss in bursts, as on radio links (the model of Gilbert and Elliott): each packet may begin or
 * end a burst, in which most packets are lost. A burst has `1 / stop` packets on average.
 *
 * @since 0.1.0
 * @category options
 */
export interface Bursts {
  /** Probability, 0 to 1, that a packet begins a burst. */
  readonly start: number
  /** Probability, 0 to 1, that a packet ends one. */
  readonly stop: number
  /** Probability, 0 to 1, that a packet in a burst is lost. Default: 1. */
  readonly loss?: number | undefined
}

/**
 * A stateful firewall or a NAT, which forgets idle flows: what arrives afterward does not pass. A TCP connection begins with a
 * SYN. Datagrams between two sockets begin with the first one; once they are forgotten, only its sender begins them again.
 * Addresses are not translated: `SimNetwork.nat` does that.
 *
 * @since 0.1.0
 * @category options
 */
export interface Middlebox {
  /** How long a flow may carry nothing before it is forgotten. */
  readonly idleTimeout: Duration.Input
  /** What happens to late packets: `"reset"` also tells their senders, by a reset or an ICMP error. Default: `"drop"`. */
  readonly late?: "drop" | "reset" | undefined
}

const millis = (value: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(value))

/**
 * The same latency for every packet. `"20 millis"` is short for `Link.fixed("20 millis")`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fixed = (latency: Duration.Input): Latency => always(millis(latency))

/**
 * Mostly short latencies, with a tail of long ones: `least` plus an exponential distribution, so that the mean is `mean`.
 *
 * **Example**
 *
 * ```ts
 * import * as Link from "@sluice/simulation/Link"
 *
 * const mobile = Link.exponential({ mean: "80 millis", least: "30 millis" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const exponential = (
  options: { readonly mean: Duration.Input; readonly least?: Duration.Input | undefined }
): Latency => {
  const from = options.least === undefined ? 0 : millis(options.least)
  const mean = Math.max(0, millis(options.mean) - from)
  return { _tag: "Latency", sample: (random) => from - mean * Math.log(1 - random()) }
}
