import * as Connection from "@sluice/core/Connection"
import * as Stream from "effect/Stream"
import { serve } from "./serve.ts"

serve((connection) => Stream.run(Connection.bytes(connection), Connection.sink(connection)))
