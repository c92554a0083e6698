import * as Connection from "@sluice/core/Connection"
import { certificate } from "./certificate.ts"
import { serve } from "./serve.ts"

serve((connection) => Connection.pipeTo(connection, connection), {
  listen: "tls://127.0.0.1:0",
  tls: { certificates: [certificate] }
})
