import * as Connection from "@sluice/core/Connection"
import * as Lending from "@sluice/core/Lending"
import * as Stream from "effect/Stream"
import { serve } from "./serve.ts"

serve((connection) => Stream.run(Lending.bytes(connection), Connection.sink(connection)))
