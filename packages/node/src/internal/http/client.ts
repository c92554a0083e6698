import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type * as Network from "@sluice/core/Network"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Scope from "effect/Scope"
import type * as NodeHttp from "../../NodeHttp.ts"
import { makeConnectors } from "../duplex/clients.ts"

export const make = Effect.fnUntraced(function*(
  options: NodeHttp.ClientOptions
): Effect.fn.Return<HttpClient.HttpClient, never, Network.Network | Scope.Scope> {
  const { agent, ...connecting } = options
  const { plain, secure } = yield* makeConnectors(connecting)
  const agents = yield* NodeHttpClient.makeAgent({ keepAlive: true, ...agent })
  Object.assign(agents.http, { createConnection: plain.connect })
  Object.assign(agents.https, { createConnection: secure.connect })
  return yield* Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agents)
})
