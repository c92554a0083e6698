import type * as Framing from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import type * as Connection from "../../Connection.ts"
import type * as Conversation from "../../Conversation.ts"
import * as NetworkError from "../../NetworkError.ts"
import type * as Tls from "../../Tls.ts"
import { CallbackEffect } from "../callback/callbackEffect.ts"
import { ended } from "../connection/ended.ts"
import { upgrade } from "../connection/startTls.ts"
import { type ConnectionState, stateOf as connectionState } from "../connection/state.ts"
import { end } from "../connection/writing.ts"
import { type FramedState, makeState } from "./state.ts"
import { reply, Turns } from "./turns.ts"

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

/** The peer of the state before, behind whose messages the next one begins. */
type Before = PeerState<never, unknown> | undefined

/** Where a conversation is going. */
interface Course<E, R> {
  /** The state to enter next, unless the conversation ends. */
  state: AnyState<E, R> | undefined
  before: Before
}

/** Goes from state to state until one of them, or the peer, ends the conversation. */
export const converse = <E, R>(connection: Connection.Connection, initial: AnyState<E, R>): Conversing<E, R> =>
  Effect.suspend(() => {
    const course: Course<E, R> = { state: initial, before: undefined }
    const body = () => enter(connectionState(connection), course)
    // A loop: were each state within the one before, each change of the state would take memory until the end.
    return Effect.whileLoop({ while: () => course.state !== undefined, body, step: () => {} })
  })

const enter = <E, R>(connection: ConnectionState, course: Course<E, R>): Conversing<E, R> =>
  course.state!.run(<Out, In>(options: StateOptions<Out, In, E, R>): Conversing<E, R> => {
    const { framing, onEnd, onEnter, onMessage } = options
    course.state = undefined
    if (framing.invalid !== undefined) return Effect.fail(framing.invalid)
    const peer = peerOf(connection, course.before, framing)
    course.before = peer as unknown as PeerState<never, unknown>
    const { outbox } = peer.framed
    const turns = new Turns<Out, In, Next<E, R> | void, E, R>(peer.framed, {
      handle: (message) => onMessage(message, peer),
      take: (next) => {
        if (next === undefined) return undefined
        switch (next._tag) {
          case "Reply":
            // `Conversation.state` checks that replies have the type of its framing.
            return reply(next.message as Out, outbox)
          case "Become":
            if ((next.state as unknown) === options) return undefined
            course.state = next.state
            return Effect.void
          case "End":
            return end(connection)
          case "Secure":
            return Effect.map(upgrade(connection, { role: "server", tls: next.tls }), () => {
              peer.isOver = true
              course.before = undefined
              course.state = next.state
            })
        }
      },
      whenEnded: Effect.suspend(() => Effect.andThen(onEnd?.(peer) ?? Effect.void, outbox.flush))
    })
    const handling = new CallbackEffect<void, Failure | E, R>((completion) => turns.begin(completion))
    const conversing = onEnter === undefined ? handling : Effect.flatMap(onEnter(peer), () => handling)
    return Effect.onError(conversing, () => Effect.ignore(outbox.flush))
  })

const peerOf = <Out, In>(connection: ConnectionState, before: Before, framing: Framing.Framing<Out, In>) => {
  // The same framing is of the same types.
  if ((before?.framing as unknown) === framing) return before as unknown as PeerState<Out, In>
  if (before !== undefined) before.isOver = true
  return new PeerState(framing, makeState(connection, framing, before?.framed))
}
