/** The conversation of SOCKS5 (RFC 1928, RFC 1929): greeting, credentials, request, and then the bytes of both sides. */
import * as Codec from "@sluice/codec/Codec"
import * as Socks5 from "@sluice/codec/formats/Socks5"
import * as Connection from "@sluice/core/Connection"
import * as Conversation from "@sluice/core/Conversation"
import type * as NetworkError from "@sluice/core/NetworkError"
import * as Framing from "@sluice/framing/Framing"
import type * as FramingError from "@sluice/framing/FramingError"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Credentials } from "../cli/Credentials.ts"
import { codes, connected, dial, type Reply, replyOf, type Request } from "./dial.ts"
import type { Rules } from "./rules.ts"

export interface Options {
  readonly rules: Rules
  /** The users that may connect. Default: everyone. */
  readonly credentials?: Credentials | undefined
  /** How long a client may take to ask for a target, and how long connecting to it may take. */
  readonly handshakeTimeout: Duration.Input
  readonly connectTimeout: Duration.Input
}

/** A client did not ask for a target in time. */
export class HandshakeTimedOut extends Data.TaggedError("HandshakeTimedOut")<{ readonly after: Duration.Duration }> {
  override get message(): string {
    return `no request within ${Duration.format(this.after)}; raise --handshake-timeout or reject the peer`
  }
}

const methods = { none: 0, password: 2, unacceptable: 255 } as const

const greetings = Framing.duplex({ outgoing: Codec.framing(Socks5.choice), incoming: Codec.framing(Socks5.greeting) })
const logins = Framing.duplex({ outgoing: Codec.framing(Socks5.verdict), incoming: Codec.framing(Socks5.credentials) })
const requests = Framing.duplex({ outgoing: Codec.framing(Socks5.reply), incoming: Codec.framing(Socks5.request) })

export const handler = ({ credentials, handshakeTimeout, ...options }: Options) => (client: Connection.Connection) =>
  Effect.gen(function*() {
    const hasAsked = yield* Deferred.make<void>()
    let isRequesting = false

    const greeting = Conversation.state({
      framing: greetings,
      onMessage: Effect.fnUntraced(function*({ methods: offered }, peer) {
        const method = credentials === undefined ? methods.none : methods.password
        const isOffered = offered.includes(method)
        yield* peer.send({ method: isOffered ? method : methods.unacceptable })
        return isOffered
          ? Conversation.become(credentials === undefined ? request : authentication(credentials))
          : Conversation.finish
      })
    })

    const authentication = (credentials: Credentials) =>
      Conversation.state({
        framing: logins,
        onMessage: Effect.fnUntraced(function*({ password, userName }, peer) {
          const isRight = credentials.accept(userName, password)
          yield* peer.send({ status: isRight ? 0 : 1 })
          if (isRight) return Conversation.become(request)
          yield* Effect.logWarning("wrong user name or password")
          return Conversation.finish
        })
      })

    const request = Conversation.state({
      framing: requests,
      onEnter: () => Effect.sync(() => void (isRequesting = true)),
      onMessage: Effect.fnUntraced(function*(request: Request, peer: Conversation.Peer<Reply>) {
        yield* Deferred.succeed(hasAsked, undefined)
        const target = yield* Effect.result(dial(request, options))
        yield* peer.send(Result.isSuccess(target) ? connected(target.success) : replyOf(target.failure.code))
        return Result.isSuccess(target) ? Conversation.become(tunnel(target.success)) : Conversation.finish
      })
    })

    // Ends when both sides have ended, or when one fails. Bytes that the client sent behind its request go first.
    const tunnel = (target: Connection.Connection) =>
      Conversation.state({
        framing: requests,
        onEnter: ({ connection }) => Connection.relay(connection, target),
        onMessage: () => Effect.succeed(Conversation.finish)
      })

    const inTime = Effect.timeoutOrElse(Deferred.await(hasAsked), {
      duration: handshakeTimeout,
      orElse: () => Effect.fail(new HandshakeTimedOut({ after: Duration.fromInputUnsafe(handshakeTimeout) }))
    })
    return yield* Effect.raceFirst(
      Conversation.handler(() => greeting)(client),
      Effect.andThen(inTime, Effect.never)
    ).pipe(
      Effect.catchTag(
        "FramingError",
        (error): Effect.Effect<void, FramingError.FramingError | NetworkError.NetworkError> =>
          isRequesting ? Connection.write(client, refusalOf(error)) : Effect.fail(error)
      )
    )
  })

/** The reply to a request that cannot be decoded, by its invalid field. */
const refusalOf = ({ reason }: FramingError.FramingError): Uint8Array => {
  const why = reason._tag === "CorruptFrame" ? reason.why : ""
  const code = why.startsWith("request.command")
    ? codes.commandNotSupported
    : why.startsWith("request.address")
    ? codes.addressTypeNotSupported
    : codes.failed
  return Result.getOrThrow(Codec.encode(Socks5.reply, replyOf(code)))
}
