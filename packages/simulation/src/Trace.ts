/**
 * The record of a simulation: every segment and datagram, every timer that ran out, every operation on a disk, every fault, in
 * the order in which they happened, with their virtual times.
 *
 * `SimNetwork.trace` gives it while a simulation runs, and `Simulation.record` after it. It keeps the last records up to
 * a limit; the hash covers all that ever were.
 *
 * **Example**
 *
 * ```ts
 * import * as SimNetwork from "@sluice/simulation/SimNetwork"
 * import * as Trace from "@sluice/simulation/Trace"
 * import * as Effect from "effect/Effect"
 *
 * const lost = Effect.map(SimNetwork.trace, (trace) =>
 *   Trace.toText(Trace.filter(trace, (record) => record._tag === "Segment" && record.fate === "lost")))
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as History from "./History.ts"
import type { DiskOperation } from "./internal/disk/operation.ts"
import { CurrentProcess } from "./internal/kernel/process.ts"
import type { HtmlOptions } from "./internal/report/html/options.ts"
import { toHtml as html } from "./internal/report/html/page.ts"
import { toMermaid as mermaid } from "./internal/report/trace/mermaid.ts"
import { toPcapng as pcapng } from "./internal/report/trace/pcapng.ts"
import { toSvg as svg } from "./internal/report/trace/svg.ts"
import { toText as text } from "./internal/report/trace/text.ts"
import type { Kind } from "./internal/world/faultDescription.ts"
import { CurrentWorld } from "./internal/world/world.ts"

export { type DiskOperation } from "./internal/disk/operation.ts"
export { type HtmlOptions, type MessageDecoder } from "./internal/report/html/options.ts"

/**
 * One end of a connection, or of a datagram's way.
 *
 * @since 0.1.0
 * @category models
 */
export interface Socket {
  readonly address: string
  readonly port: number
}

/**
 * What became of a packet: it `arrives`; it is `held` back until it is released; or it does not get there.
 *
 * - `lost`, `corrupted`, `queueFull`, `tooLarge`: by the link's settings; `forgotten`: by its middlebox
 * - `partitioned`, `unreachable`, `hostDown`: by a fault; `unreachable` is told to the sender (ICMP)
 * - `dropped`, `reset`: by a rule
 * - `unrouted`: nobody has the address
 * - `backlogFull`, `bufferFull`: it came, and there was no room for it
 *
 * @since 0.1.0
 * @category models
 */
export type Fate =
  | "arrives"
  | "held"
  | "lost"
  | "corrupted"
  | "queueFull"
  | "tooLarge"
  | "forgotten"
  | "partitioned"
  | "unreachable"
  | "dropped"
  | "reset"
  | "hostDown"
  | "unrouted"
  | "backlogFull"
  | "bufferFull"

/**
 * A packet on its way from one host to another. Times are in microseconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Packet {
  readonly at: number
  /** When it arrives, if it does. */
  readonly arrival: number | undefined
  readonly fate: Fate
  /** Whether the network made a second one of it. */
  readonly duplicate: boolean
  /** Names of hosts. */
  readonly from: string
  readonly to: string
  readonly source: Socket
  readonly destination: Socket
  readonly payload: Uint8Array
}

/**
 * A TCP segment.
 *
 * @since 0.1.0
 * @category models
 */
export interface Segment extends Packet {
  readonly _tag: "Segment"
  /** The flags as in the header (RFC 9293, section 3.1): FIN 1, SYN 2, RST 4, PSH 8, ACK 16. */
  readonly flags: number
  /** Counted from the first byte that its sender ever sent, which has 1; SYN has 0. */
  readonly sequence: number
  /** The same, of the other side. */
  readonly acknowledgment: number
  /** What to add to the two numbers above, modulo 2^32, to have what is on the wire. */
  readonly sequenceBase: number
  readonly acknowledgmentBase: number
  /** Bytes that the sender has room for. */
  readonly window: number
  /** Ranges above the acknowledgment that have come (RFC 2018). */
  readonly sack: ReadonlyArray<readonly [number, number]>
  /** The largest segment that its sender takes; in SYN segments. */
  readonly maximumSegmentSize: number | undefined
  readonly retransmission: boolean
}

/**
 * A UDP datagram.
 *
 * @since 0.1.0
 * @category models
 */
export interface Datagram extends Packet {
  readonly _tag: "Datagram"
}

/**
 * A timer of a connection that ran out.
 *
 * @since 0.1.0
 * @category models
 */
export interface Timer {
  readonly _tag: "Timer"
  readonly at: number
  readonly host: string
  readonly source: Socket
  readonly destination: Socket
  readonly name: "retransmission" | "persist" | "keepAlive" | "giveUp"
}

/**
 * An operation on the disk of a host.
 *
 * @since 0.1.0
 * @category models
 */
export interface Disk {
  readonly _tag: "Disk"
  readonly at: number
  readonly host: string
  readonly operation: DiskOperation
  /** The path that the program gave, or under which it opened the file. */
  readonly path: string
  /** Bytes that were read or written, if any could be. */
  readonly bytes: number | undefined
  /** Why it failed, such as `"ENOSPC"`; `undefined` if it did not. */
  readonly error: string | undefined
}

/**
 * A fault that began or ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fault {
  readonly _tag: "Fault"
  readonly at: number
  /** The same at the beginning and the end of a fault. */
  readonly id: number
  readonly phase: "begin" | "end"
  readonly kind: Kind | "rule" | "barrier"
  /** In words: `"partition client | server"`. */
  readonly name: string
  /** The hosts that it concerns. */
  readonly hosts: ReadonlyArray<string>
  /** Those of `hosts` that are the other side of a fault of links; empty for a fault of hosts. */
  readonly others: ReadonlyArray<string>
}

/**
 * A line that a program wrote: a log or a mark; a property that held for the first time; or a failure, of the program of a
 * host or of the run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Note {
  readonly _tag: "Note"
  readonly at: number
  /** The name of the host; empty for what runs on no host. */
  readonly host: string
  readonly kind: "failure" | "log" | "mark" | "property"
  readonly text: string
}

/**
 * Something that happened.
 *
 * @since 0.1.0
 * @category models
 */
export type Record = Segment | Datagram | Timer | Disk | Fault | Note

/**
 * A call of a `History`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Call {
  readonly at: number
  /** When it was answered; `undefined` if it was not. */
  readonly until: number | undefined
  /** How many records there were before it, and before its answer. */
  readonly position: number
  readonly endPosition: number | undefined
  /** The name of the host; empty for what runs on no host. */
  readonly host: string
  readonly call: History.Call<unknown, unknown>
}

/**
 * A span of a program (`Effect.withSpan`). Recorded if `trace.waits` is given.
 *
 * @since 0.1.0
 * @category models
 */
export interface Span {
  readonly at: number
  /** When it ended; `undefined` if it did not. */
  readonly until: number | undefined
  /** How many records there were before it, and before its end. */
  readonly position: number
  readonly endPosition: number | undefined
  readonly host: string
  readonly name: string
  readonly hasFailed: boolean
}

/**
 * What a fiber or a socket waits for, from this time on. Recorded if `trace.waits` is given.
 *
 * @since 0.1.0
 * @category models
 */
export interface Wait {
  readonly at: number
  /** How many records there were before it. */
  readonly position: number
  readonly kind: "fiber" | "socket"
  /** The same for each change of one fiber or socket. */
  readonly key: string
  readonly host: string
  readonly name: string
  /** In words: `"sleeps until 1.500000 s"`; `undefined` once it has ended. */
  readonly state: string | undefined
}

/**
 * The record of a simulation, or a part of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Trace {
  /** What is kept, oldest first. */
  readonly records: ReadonlyArray<Record>
  /** How many older ones are not kept. */
  readonly dropped: number
  /** The hosts, in the order in which they came to be. */
  readonly hosts: ReadonlyArray<string>
  /** The same for the same records, on every machine: 16 hexadecimal digits. */
  readonly hash: string
  /** The last 10,000 calls of histories, if there are any. */
  readonly calls?: ReadonlyArray<Call> | undefined
  readonly spans?: ReadonlyArray<Span> | undefined
  readonly waits?: ReadonlyArray<Wait> | undefined
}

/**
 * The part that a predicate chooses. Its hash is that of the whole.
 *
 * @since 0.1.0
 * @category combinators
 */
export const filter = (self: Trace, predicate: (record: Record) => boolean): Trace => ({
  ...self,
  records: self.records.filter(predicate)
})

/**
 * The last records only.
 *
 * @since 0.1.0
 * @category combinators
 */
export const last = (self: Trace, count: number): Trace => {
  const from = Math.max(0, self.records.length - count)
  return { ...self, records: self.records.slice(from), dropped: self.dropped + from }
}

/**
 * The records around a moment, in microseconds: up to `before` records at it or before it, and `after` records behind it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const around = (
  self: Trace,
  at: number,
  { after = 20, before = 100 }: { readonly before?: number | undefined; readonly after?: number | undefined } = {}
): Trace => {
  const next = self.records.findIndex((record) => record.at > at)
  const middle = next === -1 ? self.records.length : next
  const from = Math.max(0, middle - before)
  return { ...self, records: self.records.slice(from, middle + after), dropped: self.dropped + from }
}

/**
 * Writes a line into the trace of the simulation that the fiber runs in. Does nothing outside of a simulation.
 *
 * **Example**
 *
 * ```ts
 * import * as Trace from "@sluice/simulation/Trace"
 *
 * const elected = (term: number) => Trace.mark(`leader of term ${term}`)
 * ```
 *
 * @since 0.1.0
 * @category marking
 */
export const mark = (text: string): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const world = fiber.getRef(CurrentWorld)
    if (world === undefined) return Effect.void
    const host = fiber.getRef(CurrentProcess)?.host.name ?? ""
    return Effect.sync(() => world.note({ _tag: "Note", at: world.engine.now, host, kind: "mark", text }))
  })

/**
 * Lines like those of tcpdump(8).
 *
 * @since 0.1.0
 * @category rendering
 */
export const toText: (self: Trace) => string = text

/**
 * A Mermaid sequence diagram, which GitHub draws in Markdown.
 *
 * @since 0.1.0
 * @category rendering
 */
export const toMermaid: (self: Trace) => string = mermaid

/**
 * A time-sequence picture: hosts as lifelines, packets as slanted arrows, what did not arrive as a cross.
 *
 * @since 0.1.0
 * @category rendering
 */
export const toSvg: (self: Trace) => string = svg

/**
 * One HTML file to step through, which opens at the failure: the hosts as lanes, packets as arrows, faults as shades, the
 * calls of histories with those that have no place in red, and, if `trace.waits` recorded it, what each fiber and socket
 * waits for at the cursor. It asks no host for anything.
 *
 * **Example** (messages by name)
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Trace from "@sluice/simulation/Trace"
 *
 * const page = (trace: Trace.Trace) => Trace.toHtml(trace, { title: "chat", decode: { 7000: Framing.ndjson() } })
 * ```
 *
 * @since 0.1.0
 * @category rendering
 */
export const toHtml: (self: Trace, options?: HtmlOptions) => string = html

/**
 * A capture file that Wireshark and tshark open (pcapng): what each host sent, with Ethernet, IP and TCP or UDP headers,
 * and notes on the packets that did not arrive.
 *
 * @since 0.1.0
 * @category rendering
 */
export const toPcapng: (self: Trace) => Uint8Array = pcapng
