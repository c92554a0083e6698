/**
 * Gives the conformance suite to vitest.
 *
 * @since 0.1.0
 */
import type * as Network from "@sluice/core/Network"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { describe, it } from "vitest"
import type { Check } from "./Check.ts"

// More than the deadline of a check, which has the better message.
const timeout = 180_000

/**
 * Makes one vitest test of each check, each on a network of its own.
 *
 * **Example**
 *
 * ```ts
 * import type * as Network from "@sluice/core/Network"
 * import * as Conformance from "@sluice/conformance/Conformance"
 * import * as VitestConformance from "@sluice/conformance/VitestConformance"
 * import type * as Layer from "effect/Layer"
 *
 * declare const network: Layer.Layer<Network.Network>
 *
 * VitestConformance.suite(
 *   "TCP over IPv4",
 *   network,
 *   Conformance.streams({ endpoint: () => "tcp://127.0.0.1:0", resets: true })
 * )
 * ```
 *
 * @since 0.1.0
 * @category testing
 */
export const suite = (
  name: string,
  network: Layer.Layer<Network.Network, unknown>,
  checks: ReadonlyArray<Check>
): void => {
  // The linter looks for literal titles, and for `expect` in tests: the checks bring their own.
  // oxlint-disable-next-line vitest/valid-title
  describe(name, () => {
    for (const check of checks) {
      // oxlint-disable-next-line vitest/expect-expect
      it(`${check.law}: ${check.name}`, () => Effect.runPromise(Effect.provide(check.run, network)), timeout)
    }
  })
}
