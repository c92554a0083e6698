import * as Framed from "@sluice/core/Framed"
import * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import { serve } from "./serve.ts"

serve(Framed.serve(
  Framing.lengthPrefixed(),
  Effect.fnUntraced(function*(message: Uint8Array) {
    return yield* Effect.succeed(message)
  })
))
