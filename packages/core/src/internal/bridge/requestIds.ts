import * as RpcClient from "effect/rpc/RpcClient"

type Id = string | number

/**
 * A protocol that counts its requests from its own first one. Effect counts those of all clients of a process together,
 * and so the bytes of a simulation would depend on what ran before it.
 */
export const countingFromFirst = (protocol: RpcClient.Protocol["Service"]): RpcClient.Protocol["Service"] => {
  let first = 0
  let begun = false
  const shifted = (id: Id, by: number): Id => typeof id === "number" ? id + by : id

  return RpcClient.Protocol.of({
    ...protocol,
    send: (clientId, request, transferables) => {
      if (request._tag === "Request") {
        if (!begun && typeof request.id === "number") first = request.id
        begun = true
        return protocol.send(clientId, { ...request, id: shifted(request.id, -first) }, transferables)
      }
      return protocol.send(
        clientId,
        "requestId" in request ? { ...request, requestId: shifted(request.requestId, -first) } : request,
        transferables
      )
    },
    run: (clientId, f) =>
      protocol.run(
        clientId,
        (response) =>
          f("requestId" in response ? { ...response, requestId: shifted(response.requestId, first) } : response)
      )
  })
}
