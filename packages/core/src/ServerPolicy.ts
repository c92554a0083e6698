/**
 * What a server allows, and how it ends: limits, deadlines, draining. All optional; checked once, when the server is made.
 *
 * | option | default | why |
 * |---|---|---|
 * | `maxConnections` | none | what is right depends on what a connection costs |
 * | `whenFull` | `"wait"` | the kernel's backlog is a queue that people expect |
 * | `maxConnectionsPerAddress` | none | many people may share one address |
 * | `idleTimeout`, `readTimeout`, `writeTimeout`, `maxLifetime` | none | protocols differ; long silence can be right |
 * | `drain` | 5 seconds | most answers are out by then, and most supervisors wait twice as long |
 */
import type * as Duration from "effect/Duration"
import type * as Result from "effect/Result"
import type * as NetworkError from "./NetworkError.ts"
import { checked, duration, oneOf, optionalDuration, optionalInteger } from "./Options.ts"

/** How a server treats its connections. Every time is by `effect/Clock`. */
export interface PolicyOptions {
  /** Connections that may be open at once. */
  readonly maxConnections?: number | undefined
  /**
   * What happens to more than `maxConnections`: `"wait"` leaves them unread until there is room, as many as the backlog
   * holds; `"refuse"` resets them.
   */
  readonly whenFull?: "wait" | "refuse" | undefined
  /**
   * Connections that may be open at once from one IP address, of IPv6 from one prefix (`ipv6PrefixLength`); more are reset.
   * It does not apply to Unix-domain sockets.
   */
  readonly maxConnectionsPerAddress?: number | undefined
  /** Break a connection on which nothing was read or written for so long. */
  readonly idleTimeout?: Duration.Input | undefined
  /** Break a connection that somebody reads from while the peer sends nothing for so long. */
  readonly readTimeout?: Duration.Input | undefined
  /** Break a connection that somebody writes to while the peer takes nothing for so long. */
  readonly writeTimeout?: Duration.Input | undefined
  /** Break a connection that is older than this, and interrupt its handler. */
  readonly maxLifetime?: Duration.Input | undefined
  /** How long handlers may go on once the server is closing, before they are interrupted; or that and more. */
  readonly drain?: Duration.Input | DrainOptions | undefined
}

/** How a server ends its connections. */
export interface DrainOptions {
  /** How long handlers may go on. Default: 5 seconds. */
  readonly grace?: Duration.Input | undefined
  /**
   * While draining, end connections on which nothing moved for so long, in order and without waiting for the grace period
   * to pass. For handlers that owe nobody an answer while the line is silent. Default: none are.
   */
  readonly idle?: Duration.Input | undefined
}

/** `PolicyOptions`, checked and complete; times in milliseconds. */
export interface Policy {
  readonly maxConnections: number
  readonly whenFull: "wait" | "refuse"
  readonly maxConnectionsPerAddress: number | undefined
  readonly idleTimeout: number | undefined
  readonly readTimeout: number | undefined
  readonly writeTimeout: number | undefined
  readonly maxLifetime: number | undefined
  readonly drainGrace: number
  readonly drainIdle: number | undefined
}

/** Checks a policy; `address` is for the error, which has the reason `InvalidOption`. */
export const check = (options: PolicyOptions, address: string): Result.Result<Policy, NetworkError.NetworkError> =>
  checked("configure", address, () => {
    const drain = isDrainOptions(options.drain) ? options.drain : { grace: options.drain }
    return {
      maxConnections: optionalInteger("maxConnections", options.maxConnections, 1, most) ?? Infinity,
      whenFull: oneOf("whenFull", options.whenFull ?? "wait", ["wait", "refuse"]),
      maxConnectionsPerAddress: optionalInteger(
        "maxConnectionsPerAddress",
        options.maxConnectionsPerAddress,
        1,
        most
      ),
      idleTimeout: optionalDuration("idleTimeout", options.idleTimeout, 1),
      readTimeout: optionalDuration("readTimeout", options.readTimeout, 1),
      writeTimeout: optionalDuration("writeTimeout", options.writeTimeout, 1),
      maxLifetime: optionalDuration("maxLifetime", options.maxLifetime, 1),
      drainGrace: duration("drain.grace", drain.grace ?? 5_000),
      drainIdle: optionalDuration("drain.idle", drain.idle, 1)
    }
  })

const most = Number.MAX_SAFE_INTEGER

const isDrainOptions = (drain: PolicyOptions["drain"]): drain is DrainOptions =>
  typeof drain === "object" && drain !== null &&
  ("grace" in drain || "idle" in drain || Object.keys(drain).length === 0)
