/**
 * What a server allows: who may connect, how many and how fast, for how long, and how it shuts down. Every option is
 * optional and validated once, when the server starts.
 *
 * | option | default | why this default |
 * |---|---|---|
 * | `maxConnections` | none | The right limit depends on the cost of a connection. |
 * | `whenFull` | `"wait"` | The kernel's backlog is a queue too. |
 * | `maxConnectionsPerAddress` | none | Many people may share one address. |
 * | `allow`, `deny` | none | Only the operator knows who may connect. |
 * | `acceptRate`, `acceptRatePerAddress` | none | The right rate depends on the cost of a connection. |
 * | `ipv6PrefixLength` | 64 | A host chooses the rest of its address itself (RFC 4291, section 2.5.1). |
 * | `idleTimeout`, `readTimeout`, `writeTimeout`, `maxLifetime` | none | Protocols differ; a long silence can be right. |
 * | `drain` | 5 seconds | Most answers are out by then, and most supervisors wait twice as long before they kill. |
 *
 * **Example** (one network without one of its machines, at most 100 new connections a second)
 *
 * ```ts
 * import * as Connection from "@sluice/core/Connection"
 * import * as Server from "@sluice/core/Server"
 *
 * const Echo = Server.layer({
 *   listen: "tcp://0.0.0.0:7",
 *   allow: ["10.0.0.0/8", "::1"],
 *   deny: ["10.1.2.3"],
 *   acceptRate: { perSecond: 100, burst: 500 },
 *   acceptRatePerAddress: 5,
 *   maxConnections: 10_000,
 *   idleTimeout: "5 minutes"
 * }, (connection) => Connection.pipeTo(connection, connection))
 * ```
 *
 * **Details**
 *
 * - Who may connect is decided when a connection is accepted, by the address of the socket's peer, before a byte is read or
 *   a handshake begins. A rejected connection is reset, and counted with the reason (`Refusal`).
 * - An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) counts as the IPv4 address that it maps, in these lists as well as on
 *   the wire: `10.0.0.0/8` contains it and `::/0` does not.
 * - Unix-domain sockets have no addresses: `allow`, `deny` and the limits per address do not apply to them.
 * - Rates are token buckets. A rejected connection takes no token, so a client that retries too often is served at the
 *   rate, at nobody else's expense.
 * - Rates per address are kept for the 65,536 addresses that connected last. A forgotten address starts with a full burst:
 *   against more sources than that, `acceptRate` is the limit.
 * - Durations and rates use the monotonic clock of `effect/Clock`: a wall clock that steps changes nothing.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as IpNetwork from "effect/net/IpNetwork"
import type * as NetAddress from "effect/net/NetAddress"

/**
 * A network, such as `"10.0.0.0/8"` or a value of `effect/net/IpNetwork`; or a single address, such as `"10.1.2.3"`.
 *
 * @since 0.1.0
 * @category options
 */
export type NetworkInput = IpNetwork.IpNetworkInput | NetAddress.IpAddressInput

/**
 * Connections per second; or that, and how many may come at once. A plain number is its own burst.
 *
 * @since 0.1.0
 * @category options
 */
export type Rate = number | {
  readonly perSecond: number
  /** Connections that may come at once. Default: `perSecond`, rounded up, and at least 1. */
  readonly burst?: number | undefined
}

/**
 * Who may connect, and how fast. `Network.listen` takes these options too.
 *
 * @since 0.1.0
 * @category options
 */
export interface AcceptPolicy {
  /** Accept only these networks; an empty list accepts nobody. Default: all. */
  readonly allow?: ReadonlyArray<NetworkInput> | undefined
  /** Reject these networks, even if `allow` contains them. Default: none. */
  readonly deny?: ReadonlyArray<NetworkInput> | undefined
  /** Connections accepted per second, all together. Default: no limit. */
  readonly acceptRate?: Rate | undefined
  /** Connections accepted per second from one address. Default: no limit. */
  readonly acceptRatePerAddress?: Rate | undefined
  /**
   * Connections from one address at a time, from the moment they are accepted: handshakes in progress and waiting
   * connections count. More are reset. Behind a trusted proxy, the client's address from the PROXY header counts.
   * Default: no limit.
   */
  readonly maxConnectionsPerAddress?: number | undefined
  /** Leading bits of an IPv6 address that count as one address, 0 to 128. Default: 64. */
  readonly ipv6PrefixLength?: number | undefined
}

/**
 * Everything that a server allows. All of it can be changed while the server runs, with `Server.update`.
 *
 * @since 0.1.0
 * @category options
 */
export interface ServerPolicy extends AcceptPolicy {
  /** Connections served at a time. Default: no limit. */
  readonly maxConnections?: number | undefined
  /**
   * What happens above `maxConnections`: `"wait"` leaves up to `backlog` connections unread until there is room;
   * `"refuse"` resets them. On a socket that the process was given (workers, `systemd://`, `fd://`), `"wait"` does not
   * accept them: they wait in the backlog of the system, from which another process that shares the socket can take them.
   * Default: `"wait"`.
   */
  readonly whenFull?: "wait" | "refuse" | undefined
  /** Close a connection on which nothing was read or written for this long. Default: never. */
  readonly idleTimeout?: Duration.Input | undefined
  /** Close a connection whose handler reads while the peer sends nothing for this long. Default: never. */
  readonly readTimeout?: Duration.Input | undefined
  /**
   * Close a connection whose handler writes while the peer takes nothing for this long: nothing is acknowledged where the
   * system tells (TCP on Linux, the simulation), elsewhere nothing more fits into the send buffer. Default: never.
   */
  readonly writeTimeout?: Duration.Input | undefined
  /** Close a connection that is older than this, and interrupt its handler. Default: never. */
  readonly maxLifetime?: Duration.Input | undefined
  /** The grace period of shutting down, or the grace period and more. Default: 5 seconds. */
  readonly drain?: Duration.Input | DrainOptions | undefined
}

/**
 * How a server shuts down.
 *
 * @since 0.1.0
 * @category options
 */
export interface DrainOptions {
  /** How long handlers may run on before they are interrupted. Default: 5 seconds. */
  readonly grace?: Duration.Input | undefined
  /**
   * While draining, close connections on which nothing moved for this long, in order and before the grace period ends. For
   * handlers that owe no answer while the connection is silent. Default: never.
   */
  readonly idle?: Duration.Input | undefined
}

/**
 * Why a connection was rejected before a byte of it was read: the name of the option whose limit it met, or `"closing"`
 * because the listener was closing.
 *
 * @since 0.1.0
 * @category models
 */
export type Refusal = typeof refusals[number]

/**
 * Every `Refusal`.
 *
 * @since 0.1.0
 * @category models
 */
export const refusals = [
  "allow",
  "deny",
  "acceptRate",
  "acceptRatePerAddress",
  "maxConnections",
  "maxConnectionsPerAddress",
  "backlog",
  "closing"
] as const

/**
 * The values of options that are left out; `undefined` means no limit.
 *
 * @since 0.1.0
 * @category options
 */
export const defaults = {
  allow: undefined,
  deny: [],
  acceptRate: undefined,
  acceptRatePerAddress: undefined,
  maxConnectionsPerAddress: undefined,
  ipv6PrefixLength: 64,
  maxConnections: undefined,
  whenFull: "wait",
  idleTimeout: undefined,
  readTimeout: undefined,
  writeTimeout: undefined,
  maxLifetime: undefined,
  drain: { grace: "5 seconds", idle: undefined }
} as const satisfies ServerPolicy

/**
 * A preset for a server that strangers can reach. Change what your protocol needs: `{ ...ServerPolicy.forStrangers,
 * idleTimeout: "1 hour" }`.
 *
 * Memory is at most about `maxConnections * (frame limit + 128 KiB)`, and unfinished frames are bounded by
 * `Network.BufferBudget` all together. Lower `maxConnections`, the limit of the framing or the budget until that fits.
 *
 * @since 0.1.0
 * @category options
 */
export const forStrangers = {
  maxConnections: 1_000,
  maxConnectionsPerAddress: 50,
  acceptRate: { perSecond: 200, burst: 1_000 },
  acceptRatePerAddress: { perSecond: 10, burst: 50 },
  idleTimeout: "5 minutes",
  writeTimeout: "30 seconds"
} as const satisfies ServerPolicy
