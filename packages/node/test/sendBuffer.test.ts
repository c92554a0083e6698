import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import { unacknowledged } from "../src/internal/facade/sendBuffer.ts"

const pair = Effect.acquireRelease(
  Effect.callback<{ near: Net.Socket; far: Net.Socket }>((resume) => {
    const accepted = new Promise<Net.Socket>((resolve) => {
      const server = Net.createServer({ pauseOnConnect: true }, (far) => {
        server.close()
        resolve(far)
      })
      server.listen(0, "127.0.0.1", () => {
        const near = Net.connect((server.address() as Net.AddressInfo).port, "127.0.0.1")
        near.once("connect", async () => resume(Effect.succeed({ near, far: await accepted })))
      })
    })
  }),
  ({ near, far }) =>
    Effect.sync(() => {
      near.destroy()
      far.destroy()
    })
)

describe.runIf(process.platform === "linux")("what the peer has not acknowledged", () => {
  it.live("is what is written to a peer that does not read, shrinks as it reads, and is unknown once it is closed", () =>
    Effect.gen(function*() {
      const { far, near } = yield* pair
      expect(yield* unacknowledged(near)).toBe(0)
      const written = new Promise<void>((resolve) => near.write(new Uint8Array(16 * 1024 * 1024), () => resolve()))
      // The system's tables are read once for all who ask within a moment.
      const until = (holds: (outstanding: number) => boolean) =>
        Effect.repeat(unacknowledged(near), { until: (outstanding) => outstanding !== undefined && holds(outstanding) })
      expect(yield* until((outstanding) => outstanding > 0)).toBeLessThan(16 * 1024 * 1024)
      far.resume()
      yield* Effect.promise(() => written)
      expect(yield* until((outstanding) => outstanding === 0)).toBe(0)
      near.destroy()
      expect(yield* unacknowledged(near)).toBeUndefined()
    }))
})
