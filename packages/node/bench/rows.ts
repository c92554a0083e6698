import type { Generator } from "./load.ts"
import type { Row } from "./results.ts"
import type { Server } from "./server.ts"

/** A row that is measured over some time. */
export interface Timed extends Row {
  readonly measure: (server: Server) => Promise<number>
}

const megabyte = 1e6

/** Makes rows of messages that are sent back: of small ones thousands a second, of large ones megabytes. */
export const echoRows =
  (generator: Generator, warmup: number, seconds: number) =>
  (connections: number, size: number, inFlight: number): Timed => {
    const isBulk = size >= 1024
    return {
      name: `${isBulk ? `${size / 1024} KiB` : `${size} B`}, ${connections} conn, ${inFlight} in flight`,
      unit: isBulk ? "MB/s" : "k/s",
      better: "more",
      measure: async ({ port }) => {
        const load = await generator.run("echo", port, connections, size, inFlight, warmup, seconds)
        return isBulk ? load.count * size / load.seconds / megabyte : load.count / load.seconds / 1000
      }
    }
  }
