import type * as NetworkError from "@sluice/core/NetworkError"
import { checked, duration, integer, optionalInteger } from "@sluice/core/Options"
import type * as Duration from "effect/Duration"
import type * as Result from "effect/Result"
import type { PortRange } from "../ports.ts"

/** What can be set about the TCP of all hosts. */
export interface TcpOptions {
  /** Bytes written and not yet acknowledged, per connection. Default: 256 KiB. */
  readonly sendBuffer?: number | undefined
  /** Bytes received and not yet read, per connection: the largest window. Default: 256 KiB. */
  readonly receiveBuffer?: number | undefined
  /** The shortest retransmission timeout (RFC 6298). Default: 200 ms, as Linux has it. */
  readonly minimumTimeout?: Duration.Input | undefined
  /** The longest retransmission timeout, and pause between probes. Default: 64 seconds; RFC 6298 asks for 60 or more. */
  readonly maximumTimeout?: Duration.Input | undefined
  /**
   * How long data may stay unacknowledged before the connection is given up (RFC 5482). Default: 924.6 seconds, which is
   * what fifteen retransmissions take on Linux.
   */
  readonly userTimeout?: Duration.Input | undefined
  /**
   * How often SYN is sent again with the timeout doubled each time. A client sends it four times before that, one second
   * apart (`tcp_syn_linear_timeouts` of Linux 6.5 and later): after 1, 2, 3, 4, 5, 7, 11, 19, … seconds. Default: 6.
   */
  readonly synRetries?: number | undefined
  /**
   * The first and the last of the ports that connections from no port in particular get; UDP sockets too. A port that its
   * connection has closed first is free again after a minute. Default: 32,768 and 60,999, as on Linux (ip(7)).
   */
  readonly ephemeralPorts?: readonly [first: number, last: number] | undefined
}

/** `TcpOptions`, checked and complete; times in microseconds. */
export interface TcpSettings {
  readonly sendBuffer: number
  readonly receiveBuffer: number
  readonly minimumTimeout: number
  readonly maximumTimeout: number
  readonly userTimeout: number
  readonly synRetries: number
  readonly ephemeralPorts: PortRange
}

const micros = (millis: number): number => Math.round(millis * 1000)

export const checkTcp = (options: TcpOptions | undefined): Result.Result<TcpSettings, NetworkError.NetworkError> =>
  options === undefined ? defaults ??= check({}) : check(options)

let defaults: Result.Result<TcpSettings, NetworkError.NetworkError> | undefined

const check = (options: TcpOptions): Result.Result<TcpSettings, NetworkError.NetworkError> =>
  checked("configure", "tcp", () => ({
    sendBuffer: optionalInteger("sendBuffer", options.sendBuffer, 1, 2 ** 30) ?? 256 * 1024,
    receiveBuffer: optionalInteger("receiveBuffer", options.receiveBuffer, 128, 2 ** 30) ?? 256 * 1024,
    minimumTimeout: micros(duration("minimumTimeout", options.minimumTimeout ?? 200, 1)),
    maximumTimeout: micros(duration("maximumTimeout", options.maximumTimeout ?? 64_000, 1)),
    userTimeout: micros(duration("userTimeout", options.userTimeout ?? 924_600, 1)),
    synRetries: optionalInteger("synRetries", options.synRetries, 0, 100) ?? 6,
    ephemeralPorts: portRange(options.ephemeralPorts ?? [32_768, 60_999])
  }))

const portRange = ([from, to]: readonly [number, number]): PortRange => {
  const first = integer("ephemeralPorts", from, 1, 65_535)
  return { first, last: integer("ephemeralPorts", to, first, 65_535) }
}

// What no option changes, in microseconds.

/** How long an acknowledgment waits for something to travel with (RFC 9293, section 3.8.6.3). */
export const delayedAcknowledgment = 40_000
/** How long the first SYN is waited for (RFC 6298, section 2). */
export const initialTimeout = 1_000_000
/** How long SYN waits to be sent again when an old connection has answered it: two ticks of Linux (TCP_TIMEOUT_MIN). */
export const hurriedSyn = 8000
/** How often a client sends SYN again before its timeout is doubled (Linux 6.5, tcp_syn_linear_timeouts). */
export const synLinearTimeouts = 4
/** How long a closed connection remembers its addresses: TIME_WAIT, and FIN_WAIT_2 when nobody reads any more. */
export const lingering = 60_000_000
/** How long a closed socket keeps sending to a peer that does not answer. */
export const orphanTimeout = 100_000_000
/** The pause between keep-alive probes, and how many of them (as libuv sets them). */
export const keepAliveInterval = 1_000_000
export const keepAliveProbes = 10
/** The window is announced in units of this many bytes (RFC 7323: a scale of 7). */
export const windowUnit = 128
export const windowScale = 7
