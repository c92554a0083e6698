import { expect, it } from "@effect/vitest"
import * as Network from "@sluice/core/Network"
import * as SimNetwork from "@sluice/simulation/SimNetwork"
import * as Effect from "effect/Effect"

it.effect("an option that is missing is called so, and one that does not fit is no invented value", () =>
  Effect.gen(function*() {
    const failure = (endpoint: string, tls?: object) =>
      Effect.map(
        Effect.flip(Effect.scoped(Network.listen(endpoint, { tls } as Parameters<typeof Network.listen>[1]))),
        ({ message }) => message
      )
    expect(yield* failure("tls://127.0.0.1:1")).toContain(
      "the option tls is missing; expected the certificates to show"
    )
    expect(yield* failure("tls://127.0.0.1:1", {})).toContain(
      "the option tls.certificates is missing; expected at least"
    )
    expect(yield* failure("tcp://127.0.0.1:1", { certificates: [] })).toMatch(
      /the option tls(\.certificates)? cannot be such an? (object|list); expected/
    )
  }).pipe(Effect.provide(SimNetwork.layerNetwork())))
