/** The checks of packets that the codec does not make. */
import * as SafeText from "@sluice/framing/SafeText"
import type { Packet } from "./Message.ts"
import * as topics from "./topic.ts"

/** The packets of one kind. */
export type Packets<Tag extends Packet["_tag"]> = Extract<Packet, { readonly _tag: Tag }>

/** Text that a client chose, for the log. */
export const shown = (text: string): string => `"${SafeText.escape(text, { limit: 100 })}"`

/** What is wrong with a CONNECT, if anything. */
export const problemOfConnect = (message: Packets<"Connect">): string | undefined => {
  const { clientId, password, userName, will, willQos, willRetain } = message
  if (clientId.includes("\0")) return "its identifier contains U+0000"
  if (password !== undefined && userName === undefined) return "a password needs a user name"
  if (will === undefined && (willQos > 0 || willRetain)) return "there are flags of a will, and no will"
  if (willQos > 2) return "the quality of service of the will is 3"
  return will === undefined ? undefined : problemOfTopic(will.topic)
}

/** What is wrong with a PUBLISH, if anything. */
export const problemOfPublish = ({ duplicate, id, qos, topic }: Packets<"Publish">): string | undefined => {
  if (qos > 1) return `it publishes with a quality of service of ${qos}; use 0 or 1`
  if (duplicate && qos === 0) return "a message that is sent at most once cannot be a duplicate"
  return id === 0 ? "a packet identifier is 0" : problemOfTopic(topic)
}

const problemOfTopic = (topic: string): string | undefined => {
  if (!topics.isName(topic)) return `${shown(topic)} is no name of a topic; leave out + and #`
  if (topics.isWithinLimits(topic)) return undefined
  return `a topic has more than ${topics.limits.levels} levels or ${topics.limits.bytes} bytes`
}

/** What is wrong with a SUBSCRIBE, if anything. */
export const problemOfSubscribe = ({ id, topics: wanted }: Packets<"Subscribe">): string | undefined => {
  if (id === 0 || wanted.length === 0) return "a SUBSCRIBE needs an id and topics"
  for (const { filter, options } of wanted) {
    if (options > 2) return "a subscription asks for a quality of service that does not exist"
    if (!topics.isFilter(filter)) return `${shown(filter)} is no topic filter; + takes a level, and # the last`
  }
  return undefined
}
