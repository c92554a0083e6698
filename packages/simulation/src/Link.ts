/**
 * What the way between two hosts does to the packets that take it: how long they are under way, and which of them do not
 * arrive, arrive twice, late or damaged.
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
 * - Packets of one direction stay in order whatever their latency, unless `reordering` lets some be overtaken.
 * - Every kind of chance has a stream of random numbers of its own for each direction: turning one on changes no draw of
 *   another.
 */
import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, reject } from "@sluice/core/Options"
import * as Duration from "effect/Duration"
import type * as Result from "effect/Result"

/** How long packets are under way; drawn anew for each. Made by `fixed`, `uniform`, `exponential` or `custom`. */
export interface Latency {
  readonly _tag: "Latency"
  /** Draws one latency in milliseconds; `random` gives numbers from 0 up to, and without, 1. */
  readonly sample: (random: () => number) => number
}

/** What can be set about a link. */
export interface Options {
  /** Time under way, one way. Default: 1 millisecond, and 50 microseconds from a host to itself. */
  readonly latency?: Duration.Input | Latency | undefined
  /** Added to the latency: anything from nothing up to this, drawn for each packet. Default: none. */
  readonly jitter?: Duration.Input | undefined
  /** Bits per second. What is sent faster waits in the queue. Default: no limit. */
  readonly bandwidth?: number | undefined
  /** Bytes that may wait for the line when there is a bandwidth; what does not fit is dropped. Default: 256 KiB. */
  readonly queue?: number | undefined
  /** Probability, 0 to 1, that a packet is lost. Default: 0. */
  readonly loss?: number | undefined
  /** Probability, 0 to 1, that a packet arrives twice. Default: 0. */
  readonly duplication?: number | undefined
  /** Probability, 0 to 1, that a packet is held up, and others overtake it. Default: 0. */
  readonly reordering?: number | undefined
  /**
   * Probability, 0 to 1, that a bit of a packet is turned over. A TCP checksum finds that, and the segment is lost; a
   * datagram is delivered damaged, as one without a checksum would be. Default: 0.
   */
  readonly corruption?: number | undefined
  /** The largest IP packet in bytes, headers included, 68 to 65535. Default: 1500, and 65535 from a host to itself. */
  readonly mtu?: number | undefined
  /**
   * Probability, 0 to 1, that a TCP segment is cut short, that a write waits for the next one, and that a read gets less
   * than has come: what programs must be ready for. Default: 0.1, and 0 from a host to itself.
   */
  readonly segmentation?: number | undefined
}

/** `Options`, checked and complete. */
export interface Settings {
  readonly latency: Latency
  /** Milliseconds. */
  readonly jitter: number
  readonly bandwidth: number
  readonly queue: number
  readonly loss: number
  readonly duplication: number
  readonly reordering: number
  readonly corruption: number
  readonly mtu: number
  readonly segmentation: number
}

const millis = (value: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(value))

/** Every packet takes the same time: `Link.fixed("20 millis")`, for which `"20 millis"` is short. */
export const fixed = (latency: Duration.Input): Latency => {
  const value = millis(latency)
  return { _tag: "Latency", sample: () => value }
}

/** Any time from `least` to `most`, each as likely as the others. */
export const uniform = (least: Duration.Input, most: Duration.Input): Latency => {
  const from = millis(least)
  const width = millis(most) - from
  return { _tag: "Latency", sample: (random) => from + random() * width }
}

/** Mostly short, and now and then long: `least`, and on top of it an exponential distribution, so that the mean is `mean`. */
export const exponential = (
  options: { readonly mean: Duration.Input; readonly least?: Duration.Input | undefined }
): Latency => {
  const from = options.least === undefined ? 0 : millis(options.least)
  const mean = Math.max(0, millis(options.mean) - from)
  return { _tag: "Latency", sample: (random) => from - mean * Math.log(1 - random()) }
}

/** Milliseconds by a function of one's own. It must draw from `random` alone, so that a seed repeats the run. */
export const custom = (sample: (random: () => number) => number): Latency => ({ _tag: "Latency", sample })

/** What holds between two hosts when nothing is set. */
export const defaults: Settings = {
  latency: fixed("1 millis"),
  jitter: 0,
  bandwidth: Infinity,
  queue: 256 * 1024,
  loss: 0,
  duplication: 0,
  reordering: 0,
  corruption: 0,
  mtu: 1500,
  segmentation: 0.1
}

/** What holds from a host to itself when nothing is set. */
export const loopback: Settings = { ...defaults, latency: fixed("50 micros"), mtu: 65535, segmentation: 0 }

/** Checks options; those that are left out are as in `base`. */
export const check = (
  options: Options,
  base: Settings,
  where: string
): Result.Result<Settings, NetworkError.NetworkError> =>
  checked("configure", where, () => ({
    latency: options.latency === undefined ? base.latency : latencyOf(options.latency),
    jitter: options.jitter === undefined ? base.jitter : finite("jitter", options.jitter),
    bandwidth: atLeast("bandwidth", options.bandwidth ?? base.bandwidth, 1, "bits per second, from 1 up"),
    queue: atLeast("queue", options.queue ?? base.queue, 0, "a number of bytes"),
    loss: probability("loss", options.loss ?? base.loss),
    duplication: probability("duplication", options.duplication ?? base.duplication),
    reordering: probability("reordering", options.reordering ?? base.reordering),
    corruption: probability("corruption", options.corruption ?? base.corruption),
    mtu: mtu(options.mtu ?? base.mtu),
    segmentation: probability("segmentation", options.segmentation ?? base.segmentation)
  }))

const isLatency = (value: Duration.Input | Latency): value is Latency =>
  typeof value === "object" && "_tag" in value && value._tag === "Latency"

const latencyOf = (value: Duration.Input | Latency): Latency => {
  if (isLatency(value)) return value
  const latency = finite("latency", value)
  return { _tag: "Latency", sample: () => latency }
}

const finite = (option: string, value: Duration.Input): number => {
  const parsed = duration(option, value)
  return Number.isFinite(parsed) ? parsed : reject(option, value, "a duration that ends, such as \"20 millis\"")
}

const probability = (option: string, value: number): number =>
  value >= 0 && value <= 1 ? value : reject(option, value, "a probability, from 0 to 1")

const atLeast = (option: string, value: number, least: number, expected: string): number =>
  value >= least ? value : reject(option, value, expected)

const mtu = (value: number): number =>
  Number.isInteger(value) && value >= 68 && value <= 65535 ? value : reject("mtu", value, "bytes, from 68 to 65535")
