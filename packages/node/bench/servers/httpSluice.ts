import * as NodeDuplex from "@sluice/node/NodeDuplex"
import { makeServer } from "./httpApp.ts"
import { serve } from "./serve.ts"

serve(NodeDuplex.serve(makeServer()))
