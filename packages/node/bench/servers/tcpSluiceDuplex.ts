import * as NodeDuplex from "@sluice/node/NodeDuplex"
import * as Net from "node:net"
import { serve } from "./serve.ts"

const server = new Net.Server()
server.on("connection", (socket) => socket.on("data", (chunk) => socket.write(chunk)))

serve(NodeDuplex.serve(server))
