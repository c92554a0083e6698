import * as Framed from "@sluice/core/Framed"
import * as Framing from "@sluice/framing/Framing"
import * as Effect from "effect/Effect"
import { serve } from "./serve.ts"

serve(Framed.serve(
  Framing.lines(),
  Effect.fnUntraced(function*(line: string) {
    return yield* Effect.succeed(line)
  })
))
