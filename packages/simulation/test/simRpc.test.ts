import { describe, expect, it } from "@effect/vitest"
import * as SimRpc from "@sluice/simulation/SimRpc"
import * as Effect from "effect/Effect"
import type * as RpcClient from "effect/rpc/RpcClient"

type Protocol = RpcClient.Protocol["Service"]

/** A protocol that keeps what is sent, and answers it as told. */
const recording = () => {
  const sent: Array<Record<string, unknown>> = []
  let answer: (response: never) => unknown = () => {}
  const protocol = {
    send: (_: number, request: unknown) => Effect.sync(() => sent.push(request as never)),
    run: (_: number, onResponse: (response: never) => unknown) => Effect.sync(() => (answer = onResponse)),
    supportsAck: true,
    supportsTransferables: false
  } as unknown as Protocol
  return { sent, protocol, answer: (response: unknown) => answer(response as never) }
}

const request = (id: number | string) => ({ _tag: "Request", id, tag: "Add", payload: 1, headers: [] }) as never

describe("SimRpc.countFromZero", () => {
  it.effect("M1: numbers requests from 0 whatever was sent before, and answers by the client's own numbers", () =>
    Effect.gen(function*() {
      for (const first of [0, 1, 700]) {
        const { answer, protocol, sent } = recording()
        const counting = SimRpc.countFromZero(protocol)
        // Not of a request, and before all of them.
        yield* counting.send(1, { _tag: "Ping" } as never)
        for (const step of [0, 1, 3]) yield* counting.send(1, request(first + step))
        yield* counting.send(1, { _tag: "Ack", requestId: first + 1 } as never)
        yield* counting.send(1, request("a text"))
        expect(sent.map(({ id, requestId }) => id ?? requestId)).toEqual([undefined, 0, 1, 3, 1, "a text"])
        expect(sent[1]).toEqual({ ...request(first) as object, id: 0 })

        const responses: Array<unknown> = []
        yield* counting.run(1, (response) => Effect.sync(() => responses.push(response)) as never)
        for (const response of [{ _tag: "Exit", requestId: 3 }, { _tag: "Pong" }]) {
          yield* answer(response) as Effect.Effect<void>
        }
        expect(responses).toEqual([{ _tag: "Exit", requestId: first + 3 }, { _tag: "Pong" }])
      }
    }))
})
