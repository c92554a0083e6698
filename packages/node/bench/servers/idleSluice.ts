import * as Connection from "@sluice/core/Connection"
import { serve } from "./serve.ts"

serve((connection) => Connection.pipeTo(connection, connection), {
  listen: `tcp://127.0.0.1:${process.argv[2] ?? 0}`,
  backlog: 4096,
  drain: { grace: "30 seconds", idle: "100 millis" }
})
