/**
 * Syslog over TCP (RFC 6587): messages with their length before them, or with a newline behind them.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

const priority = Codec.decimal({ max: 191 })
const open = Codec.literal("<")
const close = Codec.literal(">")

/**
 * A message with its length before it (octet counting, RFC 6587, 3.4.1).
 *
 * @category codecs
 * @since 0.1.0
 */
export const counted = Codec.struct({
  length: Codec.lengthOf("message", Codec.decimal(), { limit: 65536 }),
  space: Codec.literal(" "),
  message: Codec.struct({ open, priority, close, text: Codec.text() })
}).pipe(Codec.map(({ message }) => message, (message) => ({ message })), Codec.named("syslog"))

/**
 * A message with a newline behind it (non-transparent framing, RFC 6587, 3.4.2).
 *
 * @category codecs
 * @since 0.1.0
 */
export const line = Codec.struct({
  open,
  priority,
  close,
  text: Codec.delimited("\n", Codec.text(), { limit: 65536 })
}).pipe(Codec.named("syslog"))

/**
 * Both ways on one port: a message that begins with `<` ends with a newline, any other has its length before it.
 *
 * @category codecs
 * @since 0.1.0
 */
export const either = Codec.taggedByPrefix({
  Line: ["<", { priority, close, text: Codec.delimited("\n", Codec.text(), { limit: 65536 }) }],
  Counted: ["", { syslog: counted }]
}).pipe(Codec.named("syslog"))
