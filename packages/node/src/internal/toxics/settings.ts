import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, integer } from "@sluice/core/Options"
import * as ByteSize from "effect/ByteSize"
import * as Option from "effect/Option"
import type * as Result from "effect/Result"
import type * as Toxics from "../../Toxics.ts"

/** `Toxics.Options`, checked: times in milliseconds, sizes in bytes. */
export interface Settings {
  readonly latency: number
  readonly jitter: number
  /** Bytes per second. */
  readonly bandwidth: number
  readonly slice: number
  readonly resetAfter: number
  readonly limit: number
  readonly timeout: number | undefined
}

/** Whether bytes pass as they are. */
export const isHarmless = ({ bandwidth, jitter, latency, limit, resetAfter, slice, timeout }: Settings): boolean =>
  latency === 0 && jitter === 0 && timeout === undefined && Math.min(bandwidth, limit, resetAfter, slice) === Infinity

/** Checks options. */
export const check = (options: Toxics.Options): Result.Result<Settings, NetworkError.NetworkError> =>
  checked("configure", "the toxics", () => ({
    latency: duration("latency", options.latency ?? 0, 0, 86_400_000),
    jitter: duration("jitter", options.jitter ?? 0, 0, 86_400_000),
    bandwidth: bytes("bandwidth", options.bandwidth, 1),
    slice: bytes("slice", options.slice, 1),
    resetAfter: bytes("resetAfter", options.resetAfter, 0),
    limit: bytes("limit", options.limit, 0),
    timeout: options.timeout === undefined ? undefined : duration("timeout", options.timeout)
  }))

const bytes = (option: string, size: ByteSize.Input | undefined, least: number): number => {
  if (size === undefined) return Infinity
  const parsed = Option.match(ByteSize.fromInput(size), {
    onNone: () => Number.NaN,
    onSome: (size) => Number(ByteSize.toBigInt(size))
  })
  return integer(option, parsed, least, Number.MAX_SAFE_INTEGER)
}
