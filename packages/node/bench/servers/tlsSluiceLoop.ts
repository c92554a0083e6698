import * as Connection from "@sluice/core/Connection"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { certificate } from "./certificate.ts"
import { serve } from "./serve.ts"

serve(
  Effect.fnUntraced(function*(connection: Connection.Connection) {
    while (true) {
      const chunk = yield* Connection.read(connection)
      if (Option.isNone(chunk)) return
      yield* Connection.write(connection, chunk.value)
    }
  }),
  { listen: "tls://127.0.0.1:0", tls: { certificates: [certificate] } }
)
