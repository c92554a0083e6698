import * as Connection from "@sluice/core/Connection"
import * as Network from "@sluice/core/Network"
import * as Effect from "effect/Effect"
import { serve } from "./serve.ts"

const upstream = `tcp://127.0.0.1:${process.argv[2]}`

serve((near) => Effect.flatMap(Network.connect(upstream), (far) => Connection.relay(near, far)))
