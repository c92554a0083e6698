/** What the page shows: the record of a run, prepared as text. Times are in microseconds, lanes and rows are indexes. */
export interface PageData {
  readonly title: string
  /** Why the run failed; empty if it did not. */
  readonly failure: string
  readonly facts: ReadonlyArray<readonly [name: string, value: string]>
  /** The hosts, then the clients that are on no host. */
  readonly lanes: ReadonlyArray<string>
  /** How many of the lanes are hosts. */
  readonly hosts: number
  readonly rows: ReadonlyArray<Row>
  /** The row that is shown first. */
  readonly start: number
  readonly faults: ReadonlyArray<FaultSpan>
  readonly calls: ReadonlyArray<CallSpan>
  readonly spans: ReadonlyArray<NamedSpan>
  /** `undefined` if it was not recorded. */
  readonly waits: Waits | undefined
}

export type Kind =
  | "message"
  | "control"
  | "ack"
  | "timer"
  | "disk"
  | "fault"
  | "log"
  | "mark"
  | "property"
  | "failure"
  | "call"
  | "span"
  | "gap"

export interface Row {
  readonly at: number
  readonly kind: Kind
  /** The lane that it concerns, or that a packet comes from; -1 for none. */
  readonly from: number
  /** The lane that a packet goes to. */
  readonly to: number
  /** When a packet arrives. */
  readonly arrival: number | undefined
  /** What became of a packet that does not arrive. */
  readonly fate: string
  /** Part of the failure. */
  readonly isBad: boolean
  readonly text: string
  readonly detail: ReadonlyArray<readonly [name: string, value: string]>
}

/** From one row to another; to the end if `last` is undefined. */
interface Extent {
  readonly first: number
  readonly last: number | undefined
}

export interface FaultSpan extends Extent {
  readonly name: string
  readonly lanes: ReadonlyArray<number>
  readonly isLink: boolean
  /** Whether the hosts are down. */
  readonly isDown: boolean
}

export interface CallSpan extends Extent {
  readonly client: string
  readonly lane: number
  readonly input: string
  /** Empty if it was not answered. */
  readonly output: string
  readonly at: number
  readonly until: number | undefined
  /** Why it has no place in any order; empty if it has one. */
  readonly violation: string
  /** Its place in the longest order, from 1 up; 0 for none. */
  readonly order: number
}

export interface NamedSpan extends Extent {
  readonly host: string
  readonly name: string
}

/** What fibers and sockets wait for: whenever that changes, the row, who it is, and what it waits for, oldest first. */
export interface Waits {
  readonly actors: ReadonlyArray<Actor>
  /** The first is empty: it has ended. */
  readonly states: ReadonlyArray<string>
  readonly changes: ReadonlyArray<readonly [row: number, actor: number, state: number]>
}

export interface Actor {
  readonly kind: "fiber" | "socket"
  readonly key: string
  readonly host: string
  readonly name: string
}
