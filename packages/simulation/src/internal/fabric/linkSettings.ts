import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, reject } from "@sluice/core/Options"
import type * as Duration from "effect/Duration"
import type * as Result from "effect/Result"
import type * as Link from "../../Link.ts"

/** `Link.Options`, checked and complete. */
export interface LinkSettings {
  readonly latency: Link.Latency
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

/** A latency of always the same milliseconds. */
export const always = (millis: number): Link.Latency => ({ _tag: "Latency", sample: () => millis })

/** Between two hosts. */
export const defaults: LinkSettings = {
  latency: always(1),
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

/** From a host to itself. */
export const loopback: LinkSettings = { ...defaults, latency: always(0.05), mtu: 65535, segmentation: 0 }

/** Checks options; those that are left out are as in `base`. */
export const checkLink = (
  options: Link.Options,
  base: LinkSettings,
  where: string
): Result.Result<LinkSettings, NetworkError.NetworkError> =>
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

const isLatency = (value: Duration.Input | Link.Latency): value is Link.Latency =>
  typeof value === "object" && "_tag" in value && value._tag === "Latency"

const latencyOf = (value: Duration.Input | Link.Latency): Link.Latency =>
  isLatency(value) ? value : always(finite("latency", value))

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
