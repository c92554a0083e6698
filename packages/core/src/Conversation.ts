/**
 * A handler that holds a conversation: a state machine of messages, for protocols in which the next message depends on those
 * before it, such as SMTP and SOCKS.
 *
 * **Example** (a protocol of two states)
 *
 * ```ts
 * import * as Conversation from "@sluice/core/Conversation"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Effect from "effect/Effect"
 *
 * const lines = Framing.lines({ ending: "crlf" })
 *
 * const ready: Conversation.State = Conversation.state({
 *   framing: lines,
 *   onEnter: (peer) => Effect.orDie(peer.send("220 ready")),
 *   onMessage: Effect.fnUntraced(function*(line: string, peer: Conversation.Peer<string>) {
 *     if (line === "DATA") return Conversation.become(data([]))
 *     yield* peer.send(line === "QUIT" ? "221 bye" : "500 unknown command")
 *     return line === "QUIT" ? Conversation.finish : undefined
 *   }, Effect.orDie)
 * })
 *
 * const data = (received: Array<string>): Conversation.State =>
 *   Conversation.state({
 *     framing: lines,
 *     onMessage: (line) =>
 *       Effect.sync(() => {
 *         if (line === ".") return Conversation.become(ready)
 *         received.push(line)
 *         return undefined
 *       })
 *   })
 *
 * export const handler = Conversation.handler(() => ready)
 * ```
 *
 * **Details**
 *
 * - A state takes its messages one after the other, and sends any number at any time.
 * - Messages that are sent in one turn leave with one write, and a peer that does not read makes the sender wait.
 * - What a state remembers is what it closes over; a state of another framing continues behind the last message.
 * - A message that the framing cannot decode ends the conversation with a `FramingError`, after what was sent before it.
 *
 * @since 0.1.0
 */
import type * as Framing from "@sluice/framing/Framing"
import type { FramingError } from "@sluice/framing/FramingError"
import * as Effect from "effect/Effect"
import type * as Types from "effect/Types"
import type * as Connection from "./Connection.ts"
import { type AnyState, converse, type Next as NextStep, type StateOptions } from "./internal/framed/conversation.ts"
import type * as NetworkError from "./NetworkError.ts"
import type * as Tls from "./Tls.ts"

type Failure = NetworkError.NetworkError | FramingError

/**
 * The other side of a conversation, as a {@link State} sees it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Peer<in Out> {
  readonly connection: Connection.Connection
  /**
   * Sends a message, at any time and from any fiber. Messages that are sent in one turn leave with one write. It waits when
   * the peer does not read, and fails once the conversation has changed to another framing.
   */
  readonly send: (message: Out) => Effect.Effect<void, Failure>
  /**
   * Waits until the peer has ended or the connection is gone. A handler that waits for something else, as in a long poll,
   * should race against it, because no message is received meanwhile. Up to 256 KiB are read ahead to detect the end.
   */
  readonly ended: Effect.Effect<void>
}

/**
 * A state: which messages it takes, and what it does about each. Made with {@link state}.
 *
 * @category models
 * @since 0.1.0
 */
export interface State<out E = never, out R = never> {
  readonly [StateTypeId]: { readonly _E: Types.Covariant<E>; readonly _R: Types.Covariant<R> }
}

const StateTypeId = "~@sluice/core/Framed/State"

/**
 * What follows a message, if the conversation does not stay as it is: {@link become}, {@link finish} or {@link secure}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Next<out E = never, out R = never> {
  readonly [NextTypeId]: { readonly _E: Types.Covariant<E>; readonly _R: Types.Covariant<R> }
}

/**
 * A message that is sent before the conversation continues in the same state. Made with {@link reply}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reply<out Out> {
  readonly [ReplyTypeId]: { readonly _Out: Types.Covariant<Out> }
}

const ReplyTypeId = "~@sluice/core/Framed/Reply"

const NextTypeId = "~@sluice/core/Framed/Next"

const nextOf = <E, R>(step: NextStep<E, R>): Next<E, R> => step as unknown as Next<E, R>
const anyState = <E, R>(state: State<E, R>): AnyState<E, R> => state as unknown as AnyState<E, R>

/**
 * A state of a conversation in `framing`.
 *
 * `onEnter` runs when the conversation enters the state, `onMessage` for each message, one after the other, and `onEnd` when
 * the peer has ended. They send any number of messages to the peer; what they remember is what they close over.
 *
 * @category constructors
 * @since 0.1.0
 */
export const state = <Out, In, E1 = never, R1 = never, E2 = never, R2 = never, E3 = never, R3 = never>(options: {
  readonly framing: Framing.Framing<Out, In>
  readonly onEnter?: ((peer: Peer<Out>) => Effect.Effect<unknown, E1, R1>) | undefined
  readonly onMessage: (message: In, peer: Peer<Out>) => Effect.Effect<Next<E2, R2> | Reply<Out> | void, E2, R2>
  readonly onEnd?: ((peer: Peer<Out>) => Effect.Effect<unknown, E3, R3>) | undefined
}): State<E1 | E2 | E3, R1 | R2 | R3> => {
  type E = E1 | E2 | E3
  type R = R1 | R2 | R3
  const { framing, onEnd, onEnter, onMessage } = options
  const made: AnyState<E, R> = {
    run: (use) =>
      use<Out, In>({
        framing,
        onEnter,
        onEnd,
        // A `Next` is one of these steps, whose fields are not for users.
        onMessage: onMessage as unknown as StateOptions<Out, In, E, R>["onMessage"]
      })
  }
  return made as unknown as State<E, R>
}

/**
 * Sends a message and stays in the state, as `peer.send` would. `Effect.succeed(reply(message))` is the fastest
 * answer: it is sent from the callback that received the message, without resuming a fiber.
 *
 * ```ts
 * import * as Conversation from "@sluice/core/Conversation"
 * import * as Framing from "@sluice/framing/Framing"
 * import * as Effect from "effect/Effect"
 *
 * const shout = Conversation.state({
 *   framing: Framing.lines(),
 *   onMessage: (line) => Effect.succeed(line === "" ? Conversation.finish : Conversation.reply(line.toUpperCase()))
 * })
 * ```
 *
 * @category steps
 * @since 0.1.0
 */
export const reply = <Out>(message: Out): Reply<Out> => ({ _tag: "Reply", message }) as unknown as Reply<Out>

/**
 * Continues in another state. Where that has another framing, the bytes that have been read and not used are carried over.
 *
 * @category steps
 * @since 0.1.0
 */
export const become = <E, R>(state: State<E, R>): Next<E, R> => nextOf({ _tag: "Become", state: anyState(state) })

/**
 * Ends the conversation: what was sent is written, then the peer sees the end.
 *
 * @category steps
 * @since 0.1.0
 */
export const finish: Next = nextOf({ _tag: "End" })

/**
 * Continues over TLS in another state, after what was sent is written (STARTTLS). See `Connection.upgradeTls`.
 *
 * @category steps
 * @since 0.1.0
 */
export const secure = <E, R>(tls: Tls.ServerOptions | Tls.Reloading, state: State<E, R>): Next<E, R> =>
  nextOf({ _tag: "Secure", tls, state: anyState(state) })

/**
 * A handler for a `Server` that holds a conversation: it goes from state to state, beginning with one that it makes for each
 * connection.
 *
 * @category serving
 * @since 0.1.0
 */
export const handler = <E, R>(
  initial: (connection: Connection.Connection) => State<E, R>
) =>
(connection: Connection.Connection): Effect.Effect<void, Failure | E, R> =>
  Effect.suspend(() => converse(connection, anyState(initial(connection))))
