/**
 * Makes Effect RPC over a simulated network repeatable.
 *
 * Effect numbers the requests of all RPC clients of a process together. A simulation that runs second would therefore send
 * other numbers, and with them other bytes, than the same simulation that runs first. The functions of this module number
 * the requests of each protocol from 0.
 *
 * **Example** (a cluster whose runners talk over the simulated network)
 *
 * ```ts
 * import * as ClusterSocket from "@sluice/client/ClusterSocket"
 * import * as SimRpc from "@sluice/simulation/SimRpc"
 *
 * const ClientProtocol = SimRpc.repeatable(ClusterSocket.layerClientProtocol())
 * ```
 *
 * @since 0.1.0
 */
import * as Runners from "effect/cluster/Runners"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcClient from "effect/rpc/RpcClient"

/**
 * Numbers the requests of a client protocol from 0.
 *
 * @since 0.1.0
 * @category combinators
 */
export const countFromZero = (protocol: RpcClient.Protocol["Service"]): RpcClient.Protocol["Service"] => {
  // What the first request was numbered; requests of other clients of the process may come in between.
  let first: number | undefined
  const shift = (id: string | number, by: number): string | number => typeof id === "number" ? id + by : id

  return RpcClient.Protocol.of({
    ...protocol,
    send: (clientId, request, transferables) => {
      if (request._tag === "Request") {
        if (typeof request.id === "number") first ??= request.id
        return protocol.send(clientId, { ...request, id: shift(request.id, -(first ?? 0)) }, transferables)
      }
      return protocol.send(
        clientId,
        "requestId" in request ? { ...request, requestId: shift(request.requestId, -(first ?? 0)) } : request,
        transferables
      )
    },
    run: (clientId, onResponse) =>
      protocol.run(
        clientId,
        (response) =>
          onResponse(
            "requestId" in response ? { ...response, requestId: shift(response.requestId, first ?? 0) } : response
          )
      )
  })
}

/**
 * Numbers the requests to each runner of a cluster from 0. Wrap `ClusterSocket.layerClientProtocol` in it.
 *
 * @since 0.1.0
 * @category layers
 */
export const repeatable = <E, R>(
  layer: Layer.Layer<Runners.RpcClientProtocol, E, R>
): Layer.Layer<Runners.RpcClientProtocol, E, R> =>
  Layer.effect(Runners.RpcClientProtocol)(
    Effect.map(Runners.RpcClientProtocol, (protocol) => ({
      ...protocol,
      make: (address) => Effect.map(protocol.make(address), countFromZero)
    }))
  ).pipe(Layer.provide(layer))
