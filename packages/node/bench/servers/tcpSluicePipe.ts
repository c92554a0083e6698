import * as Connection from "@sluice/core/Connection"
import { serve } from "./serve.ts"

serve((connection) => Connection.pipeTo(connection, connection))
