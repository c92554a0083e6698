import type * as Framing from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import type * as Connection from "../../Connection.ts"
import type * as Conversation from "../../Conversation.ts"
import * as NetworkError from "../../NetworkError.ts"
import type * as Tls from "../../Tls.ts"
import { ended } from "../connection/ended.ts"
import { upgrade } from "../connection/startTls.ts"
import { stateOf as connectionState } from "../connection/state.ts"
import { end } from "../connection/writing.ts"
import { type FramedState, makeState } from "./state.ts"
import { Turns } from "./turns.ts"

type Failure = NetworkError.NetworkError | FramingError

/** What happens after a message has been handled. */
export type Next<E, R> =
  | { readonly _tag: "Reply"; readonly message: unknown }
  | { readonly _tag: "Become"; readonly state: AnyState<E, R> }
  | { readonly _tag: "End" }
  | { readonly _tag: "Secure"; readonly tls: Tls.ServerOptions | Tls.Reloading; readonly state: AnyState<E, R> }

/** What a state of a conversation does. Which messages it takes and sends is known to itself only. */
export interface AnyState<E, R> {
  readonly run: <A>(use: <Out, In>(options: StateOptions<Out, In, E, R>) => A) => A
}

export interface StateOptions<Out, In, E, R> {
  readonly framing: Framing.Framing<Out, In>
  readonly onEnter?: ((peer: Conversation.Peer<Out>) => Effect.Effect<unknown, E, R>) | undefined
  readonly onMessage: (
    message: In,
    peer: Conversation.Peer<Out>
  ) => Effect.Effect<Next<E, R> | void, E, R>
  readonly onEnd?: ((peer: Conversation.Peer<Out>) => Effect.Effect<unknown, E, R>) | undefined
}

type Conversing<E, R> = Effect.Effect<void, Failure | E, R>

/** The peer of one state, until another framing takes over. */
class PeerState<Out, In> implements Conversation.Peer<Out> {
  readonly connection: Connection.Connection
  readonly framing: Framing.Framing<Out, In>
  readonly framed: FramedState<Out, In>
  readonly ended: Effect.Effect<void>
  isOver = false

  constructor(framing: Framing.Framing<Out, In>, framed: FramedState<Out, In>) {
    this.connection = framed.connection
    this.framing = framing
    this.framed = framed
    this.ended = ended(framed.connection)
  }

  send(message: Out): Effect.Effect<void, Failure> {
    return Effect.withFiber((fiber) => {
      const { connection, outbox } = this.framed
      const gone = this.isOver ? connection.error("write", new NetworkError.Closed()) : connection.refusal
      const refusal = gone ?? outbox.add(message)
      if (refusal !== undefined) return Effect.fail(refusal)
      if (outbox.isFull) return outbox.flush
      outbox.flushSoon(fiber.currentDispatcher)
      return Effect.void
    })
  }
}

/** Goes from state to state until one of them, or the peer, ends the conversation. */
export const converse = <E, R>(connection: Connection.Connection, initial: AnyState<E, R>): Conversing<E, R> =>
  Effect.suspend(() => enter(connection, undefined, initial))

const enter = <E, R>(
  connection: Connection.Connection,
  before: PeerState<never, unknown> | undefined,
  state: AnyState<E, R>
): Conversing<E, R> =>
  state.run(<Out, In>(options: StateOptions<Out, In, E, R>): Conversing<E, R> => {
    const { framing, onEnter } = options
    if (framing.invalid !== undefined) return Effect.fail(framing.invalid)
    const peer = peerOf(connection, before, framing)
    const listening = listen(peer, options)
    return onEnter === undefined ? listening : Effect.flatMap(onEnter(peer), () => listening)
  })

const peerOf = <Out, In>(
  connection: Connection.Connection,
  before: PeerState<never, unknown> | undefined,
  framing: Framing.Framing<Out, In>
): PeerState<Out, In> => {
  // The same framing is of the same types.
  if ((before?.framing as unknown) === framing) return before as unknown as PeerState<Out, In>
  if (before !== undefined) before.isOver = true
  return new PeerState(framing, makeState(connectionState(connection), framing, before?.framed))
}

const listen = <Out, In, E, R>(peer: PeerState<Out, In>, options: StateOptions<Out, In, E, R>): Conversing<E, R> => {
  const { connection, outbox } = peer.framed
  const { onEnd, onMessage } = options
  const turns = new Turns<Out, In, Next<E, R> | void, E, R>(peer.framed, {
    handle: (message) => onMessage(message, peer),
    take: (next) => {
      if (next === undefined) return undefined
      switch (next._tag) {
        case "Reply": {
          // `Conversation.state` checks that replies have the type of its framing.
          const refusal = outbox.add(next.message as Out)
          return refusal === undefined ? undefined : Effect.fail(refusal)
        }
        case "Become":
          if ((next.state as unknown) === options) return undefined
          return Effect.suspend(() => enter(peer.connection, peer as unknown as PeerState<never, unknown>, next.state))
        case "End":
          return end(connection)
        case "Secure":
          return Effect.flatMap(upgrade(connection, { role: "server", tls: next.tls }), () => {
            peer.isOver = true
            return enter(peer.connection, undefined, next.state)
          })
      }
    },
    whenEnded: Effect.suspend(() => Effect.andThen(onEnd?.(peer) ?? Effect.void, outbox.flush))
  })
  return Effect.onError(turns.wait, () => Effect.ignore(outbox.flush))
}
