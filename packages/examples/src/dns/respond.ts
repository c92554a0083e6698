/** From the bytes of a query to the bytes of its response (RFC 1035, RFC 6891). */
import * as Codec from "@sluice/codec/Codec"
import * as Dns from "@sluice/codec/formats/Dns"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { DnsRecord } from "./masterFile.ts"
import { type Answer, anyType, failed, type Question, responseCodes, type Zone } from "./Zone.ts"

type Message = Codec.Type<typeof Dns.message>

/** Asks another server. */
export type Resolve = (question: Question) => Effect.Effect<Answer>

/** Bytes in a datagram, at most: what every network carries (DNS flag day 2020), and without EDNS (RFC 1035, 2.3.4). */
export const payloadSize = 1232
const plainSize = 512

const headerSize = 12
const optType = 41
const internet = 1

const opt = (responseCode: number): DnsRecord => ({
  name: "",
  data: { _tag: "Other", type: optType, class: payloadSize, ttl: (responseCode >> 4) * 2 ** 24, data: new Uint8Array() }
})

/** The fields of an OPT record (RFC 6891, section 6.1), or undefined for any other record. */
export const optionsOf = ({ data, name }: DnsRecord) =>
  data._tag === "Other" && data.type === optType
    ? {
      isRoot: name === "",
      payloadSize: data.class,
      version: data.ttl >>> 16 & 0xff,
      responseCode: data.ttl >>> 24 << 4
    }
    : undefined

/** A query to another server. */
export const queryOf = (id: number, question: Question): Message => ({
  id,
  isResponse: false,
  opcode: 0,
  isAuthoritative: false,
  isTruncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  isAuthentic: false,
  checkingDisabled: false,
  responseCode: 0,
  questions: [question],
  answers: [],
  authorities: [],
  additionals: [opt(0)]
})

/**
 * Makes a function that answers queries from a zone, and other names by `resolve`. Over UDP, a response that is longer than
 * the client accepts is truncated, and the client retries over TCP. A message that is not a query gets no response.
 */
export const make = (zone: Zone, resolve: Resolve | undefined) => {
  const answerTo = (question: Question, isRecursive: boolean): Effect.Effect<Answer> => {
    const { type } = question
    if (question.class !== internet) return Effect.succeed(failed(responseCodes.Refused))
    // Transfers are refused. Of the other types above 127, only ANY asks for data (RFC 6895, section 3.1).
    if (type >= 251 && type <= 252) return Effect.succeed(failed(responseCodes.Refused))
    if (type === optType) return Effect.succeed(failed(responseCodes.FormErr))
    if (type >= 128 && type < anyType) return Effect.succeed(failed(responseCodes.NotImp))
    const own = zone.answer(question)
    if (resolve === undefined || !isRecursive || (own !== undefined && own.elsewhere === undefined)) {
      return Effect.succeed(own ?? failed(responseCodes.Refused))
    }
    if (own === undefined) return resolve(question)
    return Effect.map(resolve({ ...question, name: own.elsewhere! }), (rest): Answer => ({
      ...rest,
      isAuthoritative: own.answers.length > 0,
      answers: [...own.answers, ...rest.answers]
    }))
  }

  const responseTo = (query: Message): Effect.Effect<{ readonly response: Message; readonly size: number }> => {
    const options = query.additionals.flatMap((record) => optionsOf(record) ?? [])
    const [own] = options
    const size = own === undefined ? plainSize : Math.min(payloadSize, Math.max(plainSize, own.payloadSize))
    const say = (answer: Answer) => ({
      size,
      response: {
        ...query,
        isResponse: true,
        isAuthoritative: answer.isAuthoritative,
        isTruncated: false,
        recursionAvailable: resolve !== undefined,
        isAuthentic: false,
        responseCode: answer.responseCode & 0xf,
        answers: answer.answers,
        authorities: answer.authorities,
        additionals: own === undefined ? answer.additionals : [...answer.additionals, opt(answer.responseCode)]
      }
    })
    const [question, ...more] = query.questions
    const isMalformed = more.length > 0 || query.answers.length > 0 || options.length > 1 || own?.isRoot === false
    if (question === undefined || isMalformed) return Effect.succeed(say(failed(responseCodes.FormErr)))
    if (own !== undefined && own.version > 0) return Effect.succeed(say(failed(responseCodes.BadVers)))
    return Effect.map(answerTo(question, query.recursionDesired), say)
  }

  return (bytes: Uint8Array, transport: "udp" | "tcp"): Effect.Effect<Uint8Array | undefined> => {
    // Two servers that answer responses would answer each other forever.
    if (bytes.length < headerSize || bytes[2]! >= 0x80) return Effect.undefined
    if ((bytes[2]! >> 3) > 0) return Effect.succeed(refusal(bytes, responseCodes.NotImp))
    const query = Codec.decode(Dns.message, bytes)
    if (Result.isFailure(query)) return Effect.succeed(refusal(bytes, responseCodes.FormErr))
    return Effect.map(
      responseTo(query.success),
      ({ response, size }) =>
        fit(response, transport === "udp" ? size : 65_535) ?? refusal(bytes, responseCodes.ServFail)
    )
  }
}

/** An error response of a header alone, with the id and the opcode of the query. */
const refusal = (query: Uint8Array, responseCode: number): Uint8Array =>
  Uint8Array.of(query[0]!, query[1]!, 0x80 | query[2]! & 0x79, responseCode, ...new Uint8Array(8))

/** The bytes of a response, cut to a size. Additional records are dropped first, without a flag (RFC 2181, section 9). */
const fit = (response: Message, size: number): Uint8Array | undefined => {
  const whole = encode(response)
  if (whole === undefined || whole.length <= size) return whole
  const additionals = response.additionals.filter((record) => optionsOf(record) !== undefined)
  const withoutAdditionals = encode({ ...response, additionals })
  if (withoutAdditionals === undefined || withoutAdditionals.length <= size) return withoutAdditionals
  return encode({ ...response, isTruncated: true, answers: [], authorities: [], additionals })
}

const encode = (message: Message): Uint8Array | undefined => Result.getOrUndefined(Codec.encode(Dns.message, message))
