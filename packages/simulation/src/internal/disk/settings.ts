import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, reject } from "@sluice/core/Options"
import * as ByteSize from "effect/ByteSize"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Result from "effect/Result"

/** What can be set about the disk of a host. */
export interface DiskOptions {
  /** How much fits; files and directories take a sector each beside their data. Default: 64 MiB. */
  readonly capacity?: ByteSize.Input | undefined
  /**
   * Bytes that a loss of power leaves as they were or as they were written, and nothing between. Default: 512. Some disks
   * promise 4,096.
   */
  readonly sectorSize?: 512 | 4096 | undefined
  /** The longest time of an operation other than a sync: each takes a random part of it. Default: 100 microseconds. */
  readonly latency?: Duration.Input | undefined
  /** The longest time of a sync. Default: 5 milliseconds. */
  readonly syncLatency?: Duration.Input | undefined
}

/** `DiskOptions`, checked and complete. */
export interface DiskSettings {
  /** Bytes. */
  readonly capacity: number
  readonly sectorSize: number
  /** Microseconds. */
  readonly latency: number
  readonly syncLatency: number
}

export const defaultDisk: DiskSettings = {
  capacity: 64 * 1024 * 1024,
  sectorSize: 512,
  latency: 100,
  syncLatency: 5000
}

// Milliseconds.
const longest = 3_600_000

/** Checks options; those that are left out are as in `base`. */
export const checkDisk = (
  options: DiskOptions,
  base: DiskSettings,
  where: string
): Result.Result<DiskSettings, NetworkError.NetworkError> =>
  checked("configure", where, () => {
    const { capacity, latency, sectorSize = base.sectorSize, syncLatency } = options
    const micros = (option: string, value: Duration.Input | undefined, base: number) =>
      value === undefined ? base : duration(option, value, 0, longest) * 1000
    return {
      capacity: capacity === undefined ? base.capacity : bytes(capacity),
      sectorSize: sectorSize === 512 || sectorSize === 4096
        ? sectorSize
        : reject("disk.sectorSize", sectorSize, "512 or 4096"),
      latency: micros("disk.latency", latency, base.latency),
      syncLatency: micros("disk.syncLatency", syncLatency, base.syncLatency)
    }
  })

const bytes = (value: ByteSize.Input): number => {
  const size = Option.flatMap(ByteSize.fromInput(value), ByteSize.toNumber)
  return Option.getOrElse(size, () => reject("disk.capacity", value, "a size such as \"64 MiB\""))
}
