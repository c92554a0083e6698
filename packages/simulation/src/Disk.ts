/**
 * The disk of a simulated host. A program that runs on the host gets it as Effect's `FileSystem`, unchanged.
 *
 * It behaves like a local file system of Linux with a page cache. What is written can be read at once, and survives
 * `Fault.kill`. It survives `Fault.crash`, a loss of power, only once it is synced.
 *
 * **Example** (a file that is there after a crash, with its old content or its new one)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as FileSystem from "effect/FileSystem"
 *
 * const replace = Effect.fnUntraced(function*(path: string, content: Uint8Array) {
 *   const fs = yield* FileSystem.FileSystem
 *   const file = yield* fs.open(`${path}.new`, { flag: "w" })
 *   yield* file.writeAll(content)
 *   yield* file.sync
 *   yield* fs.rename(`${path}.new`, path)
 *   // The new name is on the disk once its directory is synced.
 *   yield* (yield* fs.open("/data")).sync
 * }, Effect.scoped)
 * ```
 *
 * **Details**
 *
 * - A crash loses what was written since the last sync of the file (`File.sync`), or a part: none of its sectors, all, the
 *   first ones, or any. A sector is lost or kept as a whole. A file that became longer may have zeros where sectors are
 *   lost.
 * - New, renamed and removed names reach the disk in order, each rename as a whole, when a directory is synced: those that
 *   the directory knows, and all before them. A crash keeps the first of the others, or none. So a new file needs two syncs:
 *   its own, and that of its directory. (fsync(2); ext4 with `data=ordered`, and XFS)
 * - What was not synced for 30 seconds is written back, as on Linux.
 * - Operations take time, `latency` and `syncLatency`. They take effect at its beginning or at its end.
 * - Directories list names in an order that depends on the seed.
 * - `/tmp` exists. Relative paths begin at `/`. Permissions are kept, and not enforced. `watch` fails.
 * - Errors are those of `@effect/platform-node` on Linux: a `PlatformError` whose cause has the `code`, such as `"ENOSPC"`.
 *
 * Faults last until their Scope closes, or `Fault.heal`: `slow`, `stall`, `fill`, `failReads`, `failSyncs`, `rot`. A campaign
 * injects them if asked to: see `Campaign.diskFaults`.
 *
 * `KeyValueStore.layerFileSystem` stores values in files. It never syncs: a crash can lose or damage what was set in the last
 * 30 seconds.
 *
 * @since 0.1.0
 */
import { integer, reject } from "@sluice/core/Options"
import type * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Fault from "./Fault.ts"
import type * as Host from "./Host.ts"
import { makeFileSystem } from "./internal/disk/fileSystem.ts"
import type { HostState } from "./internal/kernel/host.ts"
import { beginFault } from "./internal/world/lastingFault.ts"

/**
 * The file system of a host, for a program that runs on no host: a test that prepares files, or looks at what a crash has
 * left before the host starts again.
 *
 * @since 0.1.0
 * @category disks
 */
export const fileSystem = (host: Host.Host): FileSystem.FileSystem => {
  const { disk, engine } = host as HostState
  return makeFileSystem(disk, engine).fileSystem
}

/**
 * The file system of a host as a Layer: see `fileSystem`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (host: Host.Host): Layer.Layer<FileSystem.FileSystem> =>
  Layer.sync(FileSystem.FileSystem, () => fileSystem(host))

// ---------------------------------------------------------------------------------------------------------------------
// Faults
// ---------------------------------------------------------------------------------------------------------------------

const begin = (
  hosts: Fault.Hosts,
  describe: () => Omit<Fault.Description, "hosts">
): Effect.Effect<void, never, Scope.Scope> => beginFault([hosts].flat(), describe)

const chance = (value: number): number =>
  value >= 0 && value <= 1 ? value : reject("probability", value, "a probability, from 0 to 1")

/**
 * Makes the operations on the disk of a host take `factor` times as long, a number from 1.
 *
 * @since 0.1.0
 * @category faults
 */
export const slow = (host: Fault.Hosts, factor: number): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({
    kind: "slowDisk",
    amount: factor >= 1 && factor < Infinity ? factor : reject("factor", factor, "a number from 1")
  }))

/**
 * Stalls the disk of a host: its operations wait until the fault ends.
 *
 * @since 0.1.0
 * @category faults
 */
export const stall = (host: Fault.Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "stallDisk" }))

/**
 * Fills the disk of a host. A write that needs more space fails with `ENOSPC`; a write over existing data succeeds.
 *
 * @since 0.1.0
 * @category faults
 */
export const fill = (host: Fault.Hosts): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "fillDisk" }))

/**
 * Makes reads of files fail with `EIO`, with this probability, 0 to 1.
 *
 * @since 0.1.0
 * @category faults
 */
export const failReads = (host: Fault.Hosts, probability = 1): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "failReads", amount: chance(probability) }))

/**
 * Makes syncs fail with `EIO`, with this probability, 0 to 1. As in Linux since 4.13, the error is reported once: what
 * the sync should have written counts as written, programs read it, and a later sync succeeds without writing it. The next
 * crash loses it. (fsync(2))
 *
 * @since 0.1.0
 * @category faults
 */
export const failSyncs = (host: Fault.Hosts, probability = 1): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "failSyncs", amount: chance(probability) }))

/**
 * Flips bits of files on the disk of a host, 1 by default. It happens at once, and stays when the fault ends.
 *
 * @since 0.1.0
 * @category faults
 */
export const rot = (host: Fault.Hosts, bits = 1): Effect.Effect<void, never, Scope.Scope> =>
  begin(host, () => ({ kind: "rot", amount: integer("bits", bits, 1, 1000) }))
