/**
 * The control packets of MQTT 3.1.1 and 5.0: https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

const string = Codec.lengthPrefixed(Codec.uint16be, Codec.text())
const binary = Codec.lengthPrefixed(Codec.uint16be, Codec.bytes())
const varint = Codec.varint({ maxBytes: 4 })
const length = Codec.lengthOfRest(varint)
const id = Codec.uint16be
const reserved = Codec.literalBits(4, 0)
const reservedTwo = Codec.literalBits(4, 2)

/**
 * A property of MQTT 5.
 *
 * @category codecs
 * @since 0.1.0
 */
export const property = Codec.tagged(varint, {
  PayloadFormatIndicator: [1, { value: Codec.uint8 }],
  MessageExpiryInterval: [2, { value: Codec.uint32be }],
  ContentType: [3, { value: string }],
  ResponseTopic: [8, { value: string }],
  CorrelationData: [9, { value: binary }],
  SubscriptionIdentifier: [11, { value: varint }],
  SessionExpiryInterval: [17, { value: Codec.uint32be }],
  AssignedClientIdentifier: [18, { value: string }],
  ServerKeepAlive: [19, { value: Codec.uint16be }],
  AuthenticationMethod: [21, { value: string }],
  AuthenticationData: [22, { value: binary }],
  RequestProblemInformation: [23, { value: Codec.uint8 }],
  WillDelayInterval: [24, { value: Codec.uint32be }],
  RequestResponseInformation: [25, { value: Codec.uint8 }],
  ResponseInformation: [26, { value: string }],
  ServerReference: [28, { value: string }],
  ReasonString: [31, { value: string }],
  ReceiveMaximum: [33, { value: Codec.uint16be }],
  TopicAliasMaximum: [34, { value: Codec.uint16be }],
  TopicAlias: [35, { value: Codec.uint16be }],
  MaximumQos: [36, { value: Codec.uint8 }],
  RetainAvailable: [37, { value: Codec.uint8 }],
  UserProperty: [38, { name: string, value: string }],
  MaximumPacketSize: [39, { value: Codec.uint32be }],
  WildcardSubscriptionAvailable: [40, { value: Codec.uint8 }],
  SubscriptionIdentifierAvailable: [41, { value: Codec.uint8 }],
  SharedSubscriptionAvailable: [42, { value: Codec.uint8 }]
})

const properties = Codec.lengthPrefixed(varint, Codec.repeat(property))

/** The properties that a packet has from version 5 on. */
const from5 = (level: 4 | 5) =>
  level === 5 ? Codec.when(() => true, properties) : absent<Codec.Type<typeof properties>>()

/** An answer to a packet: in version 5 with a reason, unless it is success. */
const acknowledgement = (level: 4 | 5) => ({
  reserved,
  length,
  id,
  ...whyOf(level)
})

/** From version 5 on; both can be left out at the end. */
const whyOf = (level: 4 | 5) => ({
  reason: level === 5 ? Codec.optional(Codec.uint8) : absent<number>(),
  properties: level === 5 ? Codec.optional(properties) : absent<Codec.Type<typeof properties>>()
})

const absent = <A>() => Codec.constant<A | undefined>(undefined)

/** Of a CONNECT, which says itself of which version it is. */
const isFrom5 = (fields: { readonly level: number }): boolean => fields.level >= 5

const will = (level: 4 | 5) => Codec.struct({ properties: from5(level), topic: string, payload: binary })

/**
 * The control packets of a version: 4 is MQTT 3.1.1, 5 is MQTT 5.0. `Connect` is the same in both, and has the version in
 * `level`.
 *
 * @category codecs
 * @since 0.1.0
 */
export const packet = (level: 4 | 5) =>
  Codec.tagged(Codec.bits(4), {
    Connect: [1, {
      reserved,
      length,
      protocol: string,
      level: Codec.uint8,
      hasUserName: Codec.presenceOf("userName"),
      hasPassword: Codec.presenceOf("password"),
      willRetain: Codec.flag,
      willQos: Codec.bits(2),
      hasWill: Codec.presenceOf("will"),
      clean: Codec.flag,
      gap: Codec.literalBits(1, 0),
      keepAlive: Codec.uint16be,
      properties: Codec.when(isFrom5, properties),
      clientId: string,
      will: Codec.optional(will(level)),
      userName: Codec.optional(string),
      password: Codec.optional(binary)
    }],
    ConnAck: [2, {
      reserved,
      length,
      gap: Codec.literalBits(7, 0),
      sessionPresent: Codec.flag,
      reason: Codec.uint8,
      properties: from5(level)
    }],
    Publish: [3, {
      duplicate: Codec.flag,
      qos: Codec.bits(2),
      retain: Codec.flag,
      length,
      topic: string,
      id: Codec.when((fields: { readonly qos: number }) => fields.qos > 0, id),
      properties: from5(level),
      payload: Codec.bytes()
    }],
    PubAck: [4, acknowledgement(level)],
    PubRec: [5, acknowledgement(level)],
    PubRel: [6, { ...acknowledgement(level), reserved: reservedTwo }],
    PubComp: [7, acknowledgement(level)],
    Subscribe: [8, {
      reserved: reservedTwo,
      length,
      id,
      properties: from5(level),
      topics: Codec.repeat(Codec.struct({ filter: string, options: Codec.uint8 }))
    }],
    SubAck: [9, { reserved, length, id, properties: from5(level), reasons: Codec.repeat(Codec.uint8) }],
    Unsubscribe: [10, {
      reserved: reservedTwo,
      length,
      id,
      properties: from5(level),
      filters: Codec.repeat(string)
    }],
    UnsubAck: [11, { reserved, length, id, properties: from5(level), reasons: Codec.repeat(Codec.uint8) }],
    PingReq: [12, { reserved, length }],
    PingResp: [13, { reserved, length }],
    Disconnect: [14, { reserved, length, ...whyOf(level) }],
    Auth: [15, { reserved, length, ...whyOf(level) }]
  }).pipe(Codec.named("packet"))
