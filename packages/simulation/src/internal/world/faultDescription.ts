import type { TlsFault } from "../kernel/tls/fault.ts"

/** The kinds of faults between two groups of hosts. */
export const linkKinds = [
  "partition",
  "partitionOneWay",
  "partitionIpv6",
  "hold",
  "slow",
  "lossy",
  "unreachable",
  "reset"
] as const

/** The kinds of faults of disks. */
export const diskKinds = ["slowDisk", "stallDisk", "fillDisk", "failReads", "failSyncs", "rot"] as const

/** The kinds of faults of hosts. */
export const hostKinds = [
  "crash",
  "kill",
  "stop",
  "pause",
  "turns",
  "skew",
  "drift",
  "breakTls",
  "descriptors",
  "failDns",
  "slowDns",
  "staleDns",
  ...diskKinds
] as const

export type LinkKind = typeof linkKinds[number]
export type HostKind = typeof hostKinds[number]
/**
 * The kinds of faults.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = LinkKind | HostKind

/**
 * A fault as data: its kind, the names of its hosts, and how much of it. It can be written to a file as JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface Description {
  readonly kind: Kind
  /** Names of hosts. */
  readonly hosts: ReadonlyArray<string>
  /** The other side, for faults of links. */
  readonly others?: ReadonlyArray<string> | undefined
  /**
   * How much: the factor of `slow` and `slowDisk`, the probability of `lossy`, `failReads` and `failSyncs`, the rate of
   * `drift`, the bits of `rot`, the number of `descriptors`, and milliseconds of `stop` (the grace period), `turns`, `skew`
   * and `slowDns`.
   */
  readonly amount?: number | undefined
  /** What `breakTls` does. */
  readonly tls?: TlsFault | undefined
}

/**
 * A packet that a fault followed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Occasion {
  /** The names of the hosts that sent and received it. */
  readonly from: string
  readonly to: string
  /** The same number for similar packets: by their first byte and the magnitude of their length. */
  readonly sort: number
  /** From its arrival to the fault, in microseconds. */
  readonly delay: number
}

/**
 * A fault that happened in a run, with the virtual times at which it began and ended, in microseconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordedFault extends Description {
  readonly at: number
  /** When it ended, or was to end; `undefined` if it lasted until the run ended. */
  readonly until: number | undefined
  /** A rare packet that one of its hosts had sent or received shortly before it. `Campaign.vary` waits for one like it. */
  readonly after?: Occasion | undefined
}
