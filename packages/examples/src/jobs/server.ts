/** Serves a queue over the network. */
import type * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Server from "@sluice/core/Server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { framing } from "./protocol.ts"
import * as Queue from "./Queue.ts"

export interface Options extends Queue.Options {
  readonly listen: Endpoint.Input
  readonly server?: Omit<Server.Options, "listen"> | undefined
}

/** Runs until the disk fails: then it closes the connections, and its supervisor starts it again. */
export const serve = Effect.fnUntraced(function*({ listen, server, ...options }: Options) {
  const queue = yield* Queue.make(options)
  const answers = Framed.serve(framing, queue.answer, { concurrency: 64 })
  yield* Layer.build(Server.layer({ ...server, listen }, answers))
  return yield* queue.run
}, Effect.scoped)
