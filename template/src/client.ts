import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"

/** Sends each name and returns the answers. */
export const greetings = (server: string, names: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const connection = yield* Network.connect(server, { connectTimeout: "10 seconds" })
    const framed = yield* Framed.make(connection, Framing.lines())
    return yield* Effect.forEach(names, (name) => Framed.request(framed, name))
  }).pipe(Effect.scoped)
