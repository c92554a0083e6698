/**
 * The conformance suite: what every `Network` must do, whatever it is made of.
 *
 * A network passes when each check of `streams` and `datagrams` succeeds. The checks know no test runner;
 * `VitestConformance` hands them to vitest.
 *
 * **Example** (by hand)
 *
 * ```ts
 * import type * as Network from "@sluice/core/Network"
 * import * as Conformance from "@sluice/conformance/Conformance"
 * import * as Effect from "effect/Effect"
 * import type * as Layer from "effect/Layer"
 *
 * const conforms = (network: Layer.Layer<Network.Network>) =>
 *   Effect.forEach(
 *     Conformance.streams({ endpoint: () => "tcp://127.0.0.1:0", resets: true }),
 *     (check) => Effect.tap(Effect.provide(check.run, network), () => Effect.log(`${check.law} ${check.name}`))
 *   )
 * ```
 *
 * @since 0.1.0
 */
import type { Check } from "./Check.ts"
import { backpressureLaws } from "./internal/backpressureLaws.ts"
import { brokenLaws } from "./internal/brokenLaws.ts"
import { byteLaws } from "./internal/byteLaws.ts"
import { closingLaws } from "./internal/closingLaws.ts"
import { datagramLaws, type DatagramSubject } from "./internal/datagramLaws.ts"
import { endLaws } from "./internal/endLaws.ts"
import { interruptionLaws } from "./internal/interruptionLaws.ts"
import { lookAheadLaws } from "./internal/lookAheadLaws.ts"
import type { StreamSubject } from "./internal/pair.ts"
import { readingLaws } from "./internal/readingLaws.ts"
import { scopeLaws } from "./internal/scopeLaws.ts"
import { serverLaws } from "./internal/serverLaws.ts"
import { wiringLaws } from "./internal/wiringLaws.ts"

export type { Check, ConformanceFailure, Law } from "./Check.ts"
export type { DatagramSubject } from "./internal/datagramLaws.ts"
export type { StreamSubject } from "./internal/pair.ts"

/**
 * The checks of connections, listeners and servers.
 *
 * @since 0.1.0
 * @category checks
 */
export const streams = (subject: StreamSubject): ReadonlyArray<Check> => [
  ...byteLaws(subject),
  ...endLaws(subject),
  ...interruptionLaws(subject),
  ...backpressureLaws(subject),
  ...scopeLaws(subject),
  ...closingLaws(subject),
  ...brokenLaws(subject),
  ...readingLaws(subject),
  ...lookAheadLaws(subject),
  ...wiringLaws(subject),
  ...serverLaws(subject)
]

/**
 * The checks of datagram sockets.
 *
 * @since 0.1.0
 * @category checks
 */
export const datagrams = (subject: DatagramSubject): ReadonlyArray<Check> => datagramLaws(subject)
