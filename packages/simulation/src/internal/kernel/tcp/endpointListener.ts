/** Why a connection broke, by the system's names (errno(3)). */
export type Breakage = "ECONNREFUSED" | "ECONNRESET" | "EPIPE" | "ETIMEDOUT" | "ENETDOWN"

/** Who uses an endpoint. Called while the network is busy: it must not run the program, but see to it that it runs. */
export interface Application {
  readonly onEstablished: () => void
  /** There is something to read, or the end. */
  readonly onReadable: () => void
  /** There is room to write. */
  readonly onWritable: () => void
  /** The endpoint is CLOSED, and not because the application closed it. */
  readonly onBroken: (breakage: Breakage) => void
}
