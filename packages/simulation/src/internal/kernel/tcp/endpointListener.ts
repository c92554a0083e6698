/** Why a connection broke, by the system's names (errno(3)). */
export type Breakage =
  | "EAGAIN"
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "EPIPE"
  | "ETIMEDOUT"
  | "ENETDOWN"
  | "EHOSTUNREACH"
  | "ENETUNREACH"

/** The user of an endpoint. Called from events of the network: it must not run the program, but schedule it. */
export interface Application {
  /** Whether there is room for one more open connection. */
  readonly hasRoom: () => boolean
  readonly onEstablished: () => void
  /** There is something to read, or the end. */
  readonly onReadable: () => void
  /** There is room to write. */
  readonly onWritable: () => void
  /** The endpoint is CLOSED, and not because the application closed it. */
  readonly onBroken: (breakage: Breakage) => void
}
