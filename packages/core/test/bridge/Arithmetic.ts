/** An RPC service to test with, over whatever sockets there are. */
import * as Endpoint from "@sluice/core/Endpoint"
import type * as Network from "@sluice/core/Network"
import type * as NetworkError from "@sluice/core/NetworkError"
import type * as Server from "@sluice/core/Server"
import * as SocketBridge from "@sluice/core/SocketBridge"
import type * as SocketOptions from "@sluice/core/SocketOptions"
import * as SocketServerBridge from "@sluice/core/SocketServerBridge"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import type { RpcClientError } from "effect/rpc/RpcClientError"
import * as RpcGroup from "effect/rpc/RpcGroup"
import { RequestId } from "effect/rpc/RpcMessage"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as EffectSocketServer from "effect/socket/SocketServer"
import * as Stream from "effect/Stream"

export class NotDivisible extends Schema.TaggedError<NotDivisible>()("NotDivisible", {
  dividend: Schema.Number,
  divisor: Schema.Number
}) {}

/** What can be asked for. `Wait` never answers. */
export class Arithmetic extends RpcGroup.make(
  Rpc.make("Double", { payload: { number: Schema.Number }, success: Schema.Number }),
  Rpc.make("Divide", {
    payload: { dividend: Schema.Number, divisor: Schema.Number },
    success: Schema.Number,
    error: NotDivisible
  }),
  Rpc.make("CountTo", { payload: { limit: Schema.Number }, success: Schema.Number, stream: true }),
  Rpc.make("Wait", { payload: { number: Schema.Number } })
) {}

/** What the server has done. */
export class Journal {
  /** How often each number was doubled. */
  readonly doubled = new Map<number, number>()
  /** The numbers that streams have got to. */
  counted = 0
  waiting = 0
  interrupted = 0
}

const handlers = (journal: Journal) =>
  Arithmetic.toLayer({
    Double: ({ number }) =>
      Effect.sync(() => {
        journal.doubled.set(number, (journal.doubled.get(number) ?? 0) + 1)
        return number * 2
      }),
    Divide: ({ dividend, divisor }) =>
      dividend % divisor === 0
        ? Effect.succeed(dividend / divisor)
        : Effect.fail(new NotDivisible({ dividend, divisor })),
    CountTo: ({ limit }) =>
      Stream.range(1, limit).pipe(
        Stream.rechunk(1),
        Stream.tap((number) => Effect.sync(() => void (journal.counted = number)))
      ),
    Wait: () =>
      Effect.suspend(() => {
        journal.waiting++
        return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void journal.interrupted++))
      })
  })

/** The server, and the SocketServer that it runs on. */
export const server = (journal: Journal, options: Server.Options) =>
  RpcServer.layer(Arithmetic, { disableTracing: true }).pipe(
    Layer.provide(handlers(journal)),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provideMerge(SocketServerBridge.layer(options)),
    Layer.provide(RpcSerialization.layerNdjson)
  )

/** Starts the server, and gives where it listens. */
export const start = (journal: Journal, options: Server.Options) =>
  Effect.map(Layer.build(server(journal, options)), (services) => {
    const { address } = Context.get(services, EffectSocketServer.SocketServer)
    const endpoint = Endpoint.format(Endpoint.fromAddress(address))
    return options.tls === undefined ? endpoint : endpoint.replace("tcp:", "tls:")
  })

export type Client = RpcClient.FromGroup<typeof Arithmetic, RpcClientError>

/** A client. Its requests are counted from 1: those of Effect are, for all clients of a process together. */
export const client = (
  endpoint: string,
  options?: Parameters<typeof RpcClient.layerProtocolSocket>[0],
  connect?: SocketOptions.ConnectOptions
): Effect.Effect<Client, NetworkError.NetworkError, Network.Network | Scope.Scope> =>
  Effect.gen(function*() {
    let last = 0
    const protocol = yield* Layer.build(
      RpcClient.layerProtocolSocket(options).pipe(
        Layer.provide(SocketBridge.layer(endpoint, { connectTimeout: "1 second", ...connect })),
        Layer.provide(RpcSerialization.layerNdjson)
      )
    )
    const client = RpcClient.make(Arithmetic, { disableTracing: true, generateRequestId: () => RequestId(++last) })
    return yield* Effect.provideContext(client, protocol)
  })
