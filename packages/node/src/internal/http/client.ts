import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Endpoint from "@sluice/core/Endpoint"
import type * as Network from "@sluice/core/Network"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Scope from "effect/Scope"
import type * as NodeHttp from "../../NodeHttp.ts"
import { makeConnector } from "../duplex/connector.ts"

export const make = Effect.fnUntraced(function*(
  options: NodeHttp.ClientOptions
): Effect.fn.Return<HttpClient.HttpClient, never, Network.Network | Scope.Scope> {
  const { agent, tls, ...clear } = options
  const plain = yield* makeConnector(clear satisfies SocketOptions.ConnectOptions)
  const secure = yield* makeConnector(tls === undefined ? clear : { ...clear, tls }, Endpoint.tls)
  const agents = yield* NodeHttpClient.makeAgent({ keepAlive: true, ...agent })
  Object.assign(agents.http, { createConnection: plain.connect })
  Object.assign(agents.https, { createConnection: secure.connect })
  return yield* Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agents)
})
