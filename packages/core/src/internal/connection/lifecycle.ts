/** Where a connection is in its life. The last three are final: the descriptor is closed. */
export type Phase =
  | "open"
  /** This side has ended its output: FIN is sent, or queued behind what is being written. */
  | "localEnded"
  /** The peer's FIN has arrived. */
  | "remoteEnded"
  | "bothEnded"
  /** The transport belongs to a TLS handshake. What is written meanwhile waits. */
  | "upgrading"
  /** The same, and this side has ended its output. */
  | "upgradingEnded"
  /** The same, and the Scope of the connection is closed. */
  | "upgradingClosed"
  /** Closed in order: output ends, input is discarded until the peer ends. */
  | "lingering"
  /** Closed in order, and the peer has ended: only output is left to be sent. */
  | "flushing"
  /** All is sent and the transport is destroyed. */
  | "finishing"
  /** This side has reset the connection. */
  | "aborting"
  /** The connection broke, or this side broke it for a reason that it tells. */
  | "failing"
  | "ended"
  | "aborted"
  | "failed"

/** What can happen to a connection. */
export type Event =
  /** The peer's FIN arrived. */
  | "peerEnded"
  /** This side half-closed. */
  | "ended"
  /** The Scope was closed after a success. */
  | "closed"
  /** Nothing is left to be written. */
  | "drained"
  /** While lingering: all is sent, and the peer has sent nothing for a while. */
  | "fellSilent"
  /** This side reset the connection. */
  | "aborted"
  /** The transport reported an error, or this side gave up the connection with one. */
  | "failed"
  /** The transport was lent to a TLS handshake. */
  | "lent"
  /** The handshake gave a secure transport in exchange. */
  | "secured"
  /** The descriptor is closed. */
  | "released"

const column: Record<Event, number> = {
  peerEnded: 0,
  ended: 1,
  closed: 2,
  drained: 3,
  fellSilent: 4,
  aborted: 5,
  failed: 6,
  lent: 7,
  secured: 8,
  released: 9
}

// The phase stays as it is.
const same = undefined

type Cell = Phase | undefined
type Row = readonly [Cell, Cell, Cell, Cell, Cell, Cell, Cell, Cell, Cell, Cell]

// dprint-ignore
const table: Record<Phase, Row> = {
  //                 peerEnded      ended             closed             drained      fellSilent   aborted     failed     lent         secured       released
  open:            ["remoteEnded", "localEnded",     "lingering",       same,        same,        "aborting", "failing", "upgrading", same,         "ended"],
  localEnded:      ["bothEnded",   same,             "lingering",       same,        same,        "aborting", "failing", same,        same,         "ended"],
  remoteEnded:     [same,          "bothEnded",      "flushing",        same,        same,        "aborting", "failing", same,        same,         "ended"],
  bothEnded:       [same,          same,             "flushing",        same,        same,        "aborting", "failing", same,        same,         "ended"],
  // The handshake hears what the peer does, and not the connection.
  upgrading:       [same,          "upgradingEnded", "upgradingClosed", same,        same,        "aborting", "failing", same,        "open",       "ended"],
  upgradingEnded:  [same,          same,             "upgradingClosed", same,        same,        "aborting", "failing", same,        "localEnded", "ended"],
  upgradingClosed: [same,          same,             same,              same,        same,        "aborting", "failing", same,        "lingering",  "ended"],
  lingering:       ["flushing",    same,             same,              same,        "finishing", "aborting", "failing", same,        same,         "ended"],
  flushing:        [same,          same,             same,              "finishing", "finishing", "aborting", "failing", same,        same,         "ended"],
  // All is sent: a reset that comes now does not make an end in order anything else.
  finishing:       [same,          same,             same,              same,        same,        same,       "failing", same,        same,         "ended"],
  aborting:        [same,          same,             same,              same,        same,        same,       same,      same,        same,         "aborted"],
  failing:         [same,          same,             same,              same,        same,        same,       same,      same,        same,         "failed"],
  ended:           [same,          same,             same,              same,        same,        same,       same,      same,        same,         same],
  aborted:         [same,          same,             same,              same,        same,        same,       same,      same,        same,         same],
  failed:          [same,          same,             same,              same,        same,        same,       same,      same,        same,         same]
}

export const phases = Object.keys(table) as ReadonlyArray<Phase>
export const events = Object.keys(column) as ReadonlyArray<Event>

/** The phase that follows when something happens. */
export const next = (phase: Phase, event: Event): Phase => table[phase][column[event]] ?? phase

/** Whether the descriptor is closed. */
export const isReleased = (phase: Phase): boolean => phase === "ended" || phase === "aborted" || phase === "failed"

/** Whether the transport belongs to a TLS handshake. */
export const isUpgrading = (phase: Phase): boolean =>
  phase === "upgrading" || phase === "upgradingEnded" || phase === "upgradingClosed"
