/**
 * Which packets a rule is about, and what happens to them: for `Fault.rule` and `Fault.barrier`.
 *
 * A predicate looks at each packet that a host sends, with its hosts, ports, flags and payload. `frames` finds messages in
 * the bytes of connections and in datagrams, by a framing or the framing of a codec.
 *
 * **Example** (the first vote is lost)
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Fault from "@sluice/simulation/Fault"
 * import * as Rule from "@sluice/simulation/Rule"
 *
 * const isVote = Rule.frames(Framing.lines(), (line) => line.startsWith("vote"))
 *
 * const loseAVote = Fault.rule(isVote, "drop", { times: 1 })
 * ```
 *
 * **Details**
 *
 * - Rules see what hosts send to each other and to themselves: segments, datagrams and ICMP errors. They do not see
 *   Unix-domain sockets.
 * - The first rule that matches decides, in the order in which they began. What it sends on passes the link, with its faults
 *   and its losses.
 * - TCP sends a lost segment again, and a rule may match that as well: `times` limits how often it acts.
 *
 * @since 0.1.0
 */
import type * as Framing from "@sluice/framing/Framing"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import { FrameMatcher } from "./internal/world/rule/frameMatcher.ts"
import type * as Trace from "./Trace.ts"

/**
 * A packet, as a rule sees it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Packet {
  readonly protocol: "tcp" | "udp" | "icmp"
  /** Names of hosts. */
  readonly from: string
  readonly to: string
  readonly source: Trace.Socket
  readonly destination: Trace.Socket
  /** Bytes, with the IP header. */
  readonly size: number
  /** The flags of a TCP segment: FIN 1, SYN 2, RST 4, PSH 8, ACK 16. Otherwise 0. */
  readonly flags: number
  /** Of a TCP segment: counted from the first byte that its sender ever sent, which has 1. Otherwise 0. */
  readonly sequence: number
  /** Whether it is a TCP segment that is sent again. */
  readonly retransmission: boolean
  /** The same for all segments of one direction of a connection, and for all datagrams between two sockets. */
  readonly flow: string
  readonly payload: Uint8Array
}

/**
 * Whether a rule is about a packet. Called once for each packet, in the order in which they are sent; it may count them.
 *
 * @since 0.1.0
 * @category models
 */
export type Predicate = (packet: Packet) => boolean

/**
 * Finds the packets that carry messages. Made by `frames`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Frames {
  readonly _tag: "Frames"
  /** The predicate of one rule. */
  readonly begin: () => Predicate
}

/**
 * What a rule is about.
 *
 * @since 0.1.0
 * @category models
 */
export type Matching = Predicate | Frames

/**
 * What happens to a packet:
 *
 * - `"drop"`: it is lost
 * - `"duplicate"`: it is sent twice
 * - `"corrupt"`: a bit is flipped. A datagram arrives so, and the checksum of TCP detects it: the segment is lost
 * - `"reset"`: it is lost, and both ends of its connection get a reset, as by a firewall. Of a datagram, the sender gets an
 *   ICMP error
 * - `"hold"`: it is kept until the rule ends, or `release`
 * - `{ delay }`: it is sent later, and others overtake it
 *
 * @since 0.1.0
 * @category models
 */
export type Action = "drop" | "duplicate" | "corrupt" | "reset" | "hold" | { readonly delay: Duration.Input }

/**
 * The options of a rule.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** How it is named in the trace. Default: its action. */
  readonly name?: string | undefined
  /** How many matching packets pass before it acts. Default: 0. */
  readonly skip?: number | undefined
  /** How often it acts; later packets pass. Default: no limit. */
  readonly times?: number | undefined
}

/**
 * A rule that is in effect.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rule {
  /** How many packets it has acted on. */
  readonly count: Effect.Effect<number>
  /** Sends the packets that it holds, in order. It continues to hold later ones. */
  readonly release: Effect.Effect<void>
}

/**
 * A packet that a barrier holds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Held {
  readonly packet: Packet
  /** Sends it. */
  readonly release: Effect.Effect<void>
  /** Loses it. TCP sends it again, and the barrier lets that pass. */
  readonly drop: Effect.Effect<void>
}

/**
 * A barrier that is in effect.
 *
 * @since 0.1.0
 * @category models
 */
export interface Barrier {
  /** Waits for the next packet that is held. Each is told once. */
  readonly wait: Effect.Effect<Held>
}

/**
 * The packets in which a message ends for which `predicate` holds. `framing` decodes each direction of each connection on
 * its own, and each datagram.
 *
 * Connections are decoded from their first byte, or from the first byte that they send after the rule began. One whose bytes are
 * invalid is not decoded further, and does not match any more. The messages of TLS are not found: they are encrypted.
 *
 * @since 0.1.0
 * @category constructors
 */
export const frames = <In>(
  framing: Framing.Framing<never, In>,
  predicate: (frame: In, packet: Packet) => boolean
): Frames => ({
  _tag: "Frames",
  begin: () => {
    const matcher = new FrameMatcher(framing, predicate)
    return (packet) => matcher.matches(packet)
  }
})
