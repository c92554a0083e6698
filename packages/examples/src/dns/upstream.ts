/** One question to another server: over UDP with retries, and over TCP when the answer was truncated. */
import * as Codec from "@sluice/codec/Codec"
import * as Dns from "@sluice/codec/formats/Dns"
import * as Endpoint from "@sluice/core/Endpoint"
import * as Framed from "@sluice/core/Framed"
import * as Network from "@sluice/core/Network"
import * as UdpSocket from "@sluice/core/UdpSocket"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { fold } from "./names.ts"
import { optionsOf, queryOf } from "./respond.ts"
import type { Answer, Question } from "./Zone.ts"

type Message = Codec.Type<typeof Dns.message>

/** The server sent an invalid answer. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly message: string }> {}

const timeouts = { udp: "1 second", tcp: "3 seconds", attempts: 4 } as const

const tcpMessages = Codec.framing(Dns.tcpMessage)

/** An unpredictable id, against forged answers. The system chooses the source port (RFC 5452). */
const randomId = (): number => crypto.getRandomValues(new Uint16Array(1))[0]!

/** Whether a message answers a question. An error response may leave the question out. */
const isAnswerTo = (question: Question, { isResponse, opcode, questions, responseCode }: Message): boolean => {
  const [said, ...more] = questions
  if (!isResponse || opcode !== 0 || more.length > 0) return false
  if (said === undefined) return responseCode !== 0
  return said.type === question.type && said.class === question.class && fold(said.name) === fold(question.name)
}

const overUdp = Effect.fnUntraced(function*(server: NetAddress.InetAddress, question: Question) {
  const id = randomId()
  const any = NetAddress.isInetAddressV4(server) ? "udp://0.0.0.0:0" : "udp://[::]:0"
  const socket = yield* Network.bind(any, { peer: Endpoint.format(Endpoint.udp(server.address, server.port)) })
  yield* UdpSocket.send(socket, yield* Effect.fromResult(Codec.encode(Dns.message, queryOf(id, question))))
  for (;;) {
    const { payload } = yield* UdpSocket.receive(socket)
    const message = Codec.decode(Dns.message, payload)
    if (Result.isSuccess(message)) {
      if (message.success.id === id && isAnswerTo(question, message.success)) return message.success
    } else if (payload[0] === id >> 8 && payload[1] === (id & 0xff)) {
      return yield* Effect.fail(new NoAnswer({ message: message.failure.message }))
    }
  }
}, Effect.scoped)

const overTcp = Effect.fnUntraced(function*(server: NetAddress.InetAddress, question: Question) {
  const id = randomId()
  const connection = yield* Network.connect(Endpoint.fromAddress(server))
  const framed = yield* Framed.make(connection, tcpMessages)
  const message = yield* Framed.request(framed, queryOf(id, question))
  return message.id === id && isAnswerTo(question, message)
    ? message
    : yield* Effect.fail(new NoAnswer({ message: "the answer is to another question" }))
}, Effect.scoped)

/** Asks a server. Fails when it does not answer within four seconds, or three more where TCP is needed. */
export const ask = (server: NetAddress.InetAddress) => (question: Question) =>
  Effect.gen(function*() {
    const short = yield* overUdp(server, question).pipe(
      Effect.timeout(timeouts.udp),
      Effect.retry({ times: timeouts.attempts - 1 })
    )
    return short.isTruncated ? yield* Effect.timeout(overTcp(server, question), timeouts.tcp) : short
  }).pipe(Effect.map(answerOf))

const answerOf = (message: Message): Answer => {
  const options = message.additionals.flatMap((record) => optionsOf(record) ?? [])
  return {
    responseCode: message.responseCode | (options[0]?.responseCode ?? 0),
    isAuthoritative: false,
    answers: message.answers,
    authorities: message.authorities,
    additionals: message.additionals.filter((record) => optionsOf(record) === undefined)
  }
}
