import type * as Net from "node:net"
import { makeServer } from "./httpApp.ts"
import { ready } from "./ready.ts"

const server = makeServer()
server.listen({ host: "127.0.0.1", port: 0 }, () => ready((server.address() as Net.AddressInfo).port))
