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
 * import * as Conformance from "@sluice/core/testing/Conformance"
 * import * as Effect from "effect/Effect"
 * import type * as Layer from "effect/Layer"
 *
 * const conforms = (network: Layer.Layer<Network.Network>) =>
 *   Effect.forEach(
 *     Conformance.streams({ endpoint: () => "tcp://127.0.0.1:0", resets: true }),
 *     (check) => Effect.tap(Effect.provide(check.run, network), () => Effect.log(`${check.law} ${check.name}`))
 *   )
 * ```
 */
import { backpressureLaws } from "./BackpressureLaws.ts"
import { brokenLaws } from "./BrokenLaws.ts"
import { byteLaws } from "./ByteLaws.ts"
import type { Check, ConformanceFailure, Law } from "./Check.ts"
import { closingLaws } from "./ClosingLaws.ts"
import { datagramLaws, type DatagramSubject } from "./DatagramLaws.ts"
import { endLaws } from "./EndLaws.ts"
import { interruptionLaws } from "./InterruptionLaws.ts"
import type { StreamSubject } from "./Pair.ts"
import { readingLaws } from "./ReadingLaws.ts"
import { scopeLaws } from "./ScopeLaws.ts"
import { serverLaws } from "./ServerLaws.ts"
import { wiringLaws } from "./WiringLaws.ts"

export type { Check, ConformanceFailure, DatagramSubject, Law, StreamSubject }

/** The checks of connections, listeners and servers. */
export const streams = (subject: StreamSubject): ReadonlyArray<Check> => [
  ...byteLaws(subject),
  ...endLaws(subject),
  ...interruptionLaws(subject),
  ...backpressureLaws(subject),
  ...scopeLaws(subject),
  ...closingLaws(subject),
  ...brokenLaws(subject),
  ...readingLaws(subject),
  ...wiringLaws(subject),
  ...serverLaws(subject)
]

/** The checks of datagram sockets. */
export const datagrams = (subject: DatagramSubject): ReadonlyArray<Check> => datagramLaws(subject)
