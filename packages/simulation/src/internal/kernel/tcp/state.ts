import { plural } from "../../text/plural.ts"

/** The states of RFC 9293, section 3.3.2, without LISTEN, in which there is no connection yet. */
export type State =
  | "SYN_SENT"
  | "SYN_RECEIVED"
  | "ESTABLISHED"
  | "FIN_WAIT_1"
  | "FIN_WAIT_2"
  | "CLOSING"
  | "TIME_WAIT"
  | "CLOSE_WAIT"
  | "LAST_ACK"
  | "CLOSED"

type Transitions = Readonly<Partial<Record<State, State>>>

/** The state after the peer's FIN; where a state is missing, it stays. */
export const afterFin: Transitions = { ESTABLISHED: "CLOSE_WAIT", FIN_WAIT_1: "CLOSING", FIN_WAIT_2: "TIME_WAIT" }

/** The state after our FIN is sent. */
export const afterFinSent: Transitions = { ESTABLISHED: "FIN_WAIT_1", CLOSE_WAIT: "LAST_ACK" }

/** The state after our FIN is acknowledged. */
export const afterFinAcknowledged: Transitions = { FIN_WAIT_1: "FIN_WAIT_2", CLOSING: "TIME_WAIT", LAST_ACK: "CLOSED" }

/** Whether a connection in this state sends what was written. */
export const sends = (state: State): boolean =>
  state !== "CLOSED" && state !== "SYN_SENT" && state !== "SYN_RECEIVED" && state !== "TIME_WAIT"

/** Bytes that wait in a connection. */
export interface Pending {
  readonly unread: number
  readonly unacknowledged: number
  readonly unsent: number
}

/** What a connection waits for, in words. */
export const describeWait = (state: State, { unacknowledged, unread, unsent }: Pending): string => {
  if (state === "SYN_SENT") return "an answer to its SYN"
  if (state === "SYN_RECEIVED") return "the last acknowledgment of the handshake"
  if (unread > 0) return `the program to read ${plural(unread, "byte")} in its buffer`
  if (unacknowledged > 0) return `the acknowledgment of ${plural(unacknowledged, "byte")}`
  if (unsent > 0) return `its peer to read, with ${plural(unsent, "byte")} to send`
  if (state === "CLOSE_WAIT") return "the program to close it: its peer has"
  if (state === "FIN_WAIT_2") return "its peer to close it"
  return "bytes from its peer"
}
