import * as Connection from "@sluice/core/Connection"
import * as Framed from "@sluice/core/Framed"
import * as NetworkError from "@sluice/core/NetworkError"
import * as Cause from "effect/Cause"
import * as Option from "effect/Option"

/** Why a client has no connection: its own connecting failed, or the connection did. */
export type Failure<E> = E | Framed.FramedError

/** Connecting took longer than `after` milliseconds. */
export const connectTimedOut = (after: number): NetworkError.NetworkError =>
  NetworkError.make("connect", "the server", new NetworkError.TimedOut({ deadline: "connect", after }))

/** The peer has ended its output. */
export const peerEnded = <Out, In>(framed: Framed.Framed<Out, In>): NetworkError.NetworkError =>
  NetworkError.make(
    "read",
    Connection.formatPeer(framed.connection),
    new NetworkError.UnexpectedEnd({ received: Framed.bufferedUnsafe(framed) })
  )

/** The client is closed. */
export const clientClosed = (): NetworkError.NetworkError =>
  NetworkError.make("write", "the server", new NetworkError.Closed())

/** The error of a cause; without one, that of a closed client. */
export const failureOf = <E>(cause: Cause.Cause<E>): E | NetworkError.NetworkError =>
  Option.getOrElse(Cause.findErrorOption(cause), clientClosed)
