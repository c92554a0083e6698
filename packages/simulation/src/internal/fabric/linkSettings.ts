import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, oneOf, reject } from "@sluice/core/Options"
import type * as Duration from "effect/Duration"
import type * as Result from "effect/Result"
import type * as Link from "../../Link.ts"
import type * as SimNetwork from "../../SimNetwork.ts"
import { Bottleneck, type Uplink } from "./bottleneck.ts"

/** `Link.Options`, checked and complete. */
export interface LinkSettings {
  readonly latency: Link.Latency
  /** The latency in milliseconds, if it is always the same. */
  readonly fixedLatency: number | undefined
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
  readonly bursts: Bursts | undefined
  readonly middlebox: Middlebox | undefined
}

/** Probabilities, for each packet. */
export interface Bursts {
  readonly start: number
  readonly stop: number
  readonly loss: number
}

export interface Middlebox {
  /** Microseconds. */
  readonly idleTimeout: number
  /** Whether it answers packets of flows that it has forgotten. */
  readonly isLoud: boolean
}

/** A latency of always the same milliseconds. */
export const always = (millis: number): Link.Latency => ({ _tag: "Latency", sample: () => millis })

/** Between two hosts. */
export const defaults: LinkSettings = {
  latency: always(1),
  fixedLatency: 1,
  jitter: 0,
  bandwidth: Infinity,
  queue: 256 * 1024,
  loss: 0,
  duplication: 0,
  reordering: 0,
  corruption: 0,
  mtu: 1500,
  segmentation: 0.1,
  bursts: undefined,
  middlebox: undefined
}

/** From a host to itself. */
export const loopback: LinkSettings = {
  ...defaults,
  latency: always(0.05),
  fixedLatency: 0.05,
  mtu: 65535,
  segmentation: 0
}

/** Checks options; those that are left out are as in `base`. */
export const checkLink = (
  options: Link.Options,
  base: LinkSettings,
  where: string
): Result.Result<LinkSettings, NetworkError.NetworkError> =>
  checked("configure", where, () => ({
    ...(options.latency === undefined
      ? { latency: base.latency, fixedLatency: base.fixedLatency }
      : latencyOf(options.latency)),
    jitter: options.jitter === undefined ? base.jitter : finite("jitter", options.jitter),
    bandwidth: atLeast("bandwidth", options.bandwidth ?? base.bandwidth, 1, "bits per second, from 1 up"),
    queue: atLeast("queue", options.queue ?? base.queue, 0, "a number of bytes"),
    loss: probability("loss", options.loss ?? base.loss),
    duplication: probability("duplication", options.duplication ?? base.duplication),
    reordering: probability("reordering", options.reordering ?? base.reordering),
    corruption: probability("corruption", options.corruption ?? base.corruption),
    mtu: mtu(options.mtu ?? base.mtu),
    segmentation: probability("segmentation", options.segmentation ?? base.segmentation),
    bursts: options.bursts === undefined ? base.bursts : bursts(options.bursts),
    middlebox: options.middlebox === undefined
      ? base.middlebox
      : options.middlebox === false
      ? undefined
      : middlebox("middlebox.", options.middlebox)
  }))

/** Checks the options of an uplink, and makes it. */
export const checkUplink = (
  { bandwidth, download = bandwidth, queue = defaults.queue }: SimNetwork.UplinkOptions,
  where: string
): Result.Result<Uplink, NetworkError.NetworkError> =>
  checked("configure", `the uplink of ${where}`, () => {
    const settings = (option: string, bits: number) => ({
      bandwidth: atLeast(option, bits, 1, "bits per second, from 1 up"),
      queue: atLeast("queue", queue, 0, "a number of bytes")
    })
    return {
      up: new Bottleneck(),
      down: new Bottleneck(),
      upload: settings("bandwidth", bandwidth),
      download: settings("download", download)
    }
  })

/** Checks what a router remembers of flows. */
export const checkNat = (
  options: Link.Middlebox,
  router: string
): Result.Result<Middlebox, NetworkError.NetworkError> =>
  checked("configure", `the address translation of ${router}`, () => middlebox("", options))

const isLatency = (value: Duration.Input | Link.Latency): value is Link.Latency =>
  typeof value === "object" && "_tag" in value && value._tag === "Latency"

const latencyOf = (
  value: Duration.Input | Link.Latency
): { readonly latency: Link.Latency; readonly fixedLatency: number | undefined } => {
  if (isLatency(value)) return { latency: value, fixedLatency: undefined }
  const millis = finite("latency", value)
  return { latency: always(millis), fixedLatency: millis }
}

const bursts = (options: Link.Bursts | false): Bursts | undefined =>
  options === false ? undefined : {
    start: probability("bursts.start", options.start),
    stop: probability("bursts.stop", options.stop),
    loss: probability("bursts.loss", options.loss ?? 1)
  }

const middlebox = (path: string, options: Link.Middlebox): Middlebox => ({
  idleTimeout: 1000 * duration(`${path}idleTimeout`, options.idleTimeout, 1),
  isLoud: oneOf(`${path}late`, options.late ?? "drop", ["drop", "reset"]) === "reset"
})

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
