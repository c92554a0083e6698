/**
 * The text protocol of memcached: https://github.com/memcached/memcached/blob/master/doc/protocol.txt
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

const space = Codec.literal(" ")
const end = Codec.literal("\r\n")
const decimal = Codec.decimal()
const number = Codec.delimited([" ", "\r\n"], Codec.decimal({ max: 2 ** 32 - 1 }), { keep: true })
const key = Codec.delimited([" ", "\r\n"], Codec.text("ascii"), { keep: true, limit: 250 }).pipe(
  Codec.refine((key) => key.length > 0, "the key is empty")
)
const noReply = Codec.optional(Codec.constant(true), { after: " noreply" })
const keys = Codec.delimited("\r\n", Codec.separated(" ", key), { limit: 65536 })

/** A line with the size of a block, then the block. */
const store = {
  key,
  afterKey: space,
  flags: number,
  afterFlags: space,
  expires: Codec.delimited([" "], Codec.decimal({ min: -(2 ** 31), max: 2 ** 32 }), { keep: true }),
  afterExpires: space,
  length: Codec.lengthOf("data", decimal, { limit: 1024 * 1024 })
}
const data = { noReply, end, data: Codec.bytes(), afterData: end }
const change = { key, space, by: decimal, noReply, end }

/**
 * What a client sends.
 *
 * @category codecs
 * @since 0.1.0
 */
export const request = Codec.taggedByPrefix({
  Get: ["get ", { keys }],
  Gets: ["gets ", { keys }],
  Set: ["set ", { ...store, ...data }],
  Add: ["add ", { ...store, ...data }],
  Replace: ["replace ", { ...store, ...data }],
  Append: ["append ", { ...store, ...data }],
  Prepend: ["prepend ", { ...store, ...data }],
  Cas: ["cas ", { ...store, beforeUnique: space, unique: decimal, ...data }],
  Delete: ["delete ", { key, noReply, end }],
  Increment: ["incr ", change],
  Decrement: ["decr ", change],
  Touch: ["touch ", { key, space, expires: Codec.decimal({ min: -(2 ** 31) }), noReply, end }],
  FlushAll: ["flush_all", { delay: Codec.optional(decimal, { after: " " }), noReply, end }],
  Verbosity: ["verbosity ", { level: decimal, noReply, end }],
  Version: ["version\r\n"],
  Quit: ["quit\r\n"],
  Unknown: ["", { line: Codec.delimited("\r\n", Codec.text("latin1"), { limit: 2048 }) }]
}).pipe(Codec.named("request"))

/**
 * What a server sends. The values of a `get` end with `End`.
 *
 * @category codecs
 * @since 0.1.0
 */
export const response = Codec.taggedByPrefix({
  Value: ["VALUE ", {
    key,
    afterKey: space,
    flags: number,
    afterFlags: space,
    length: Codec.lengthOf("data", decimal, { limit: 1024 * 1024 }),
    unique: Codec.optional(decimal, { after: " " }),
    end,
    data: Codec.bytes(),
    afterData: end
  }],
  End: ["END\r\n"],
  Stored: ["STORED\r\n"],
  NotStored: ["NOT_STORED\r\n"],
  Exists: ["EXISTS\r\n"],
  NotFound: ["NOT_FOUND\r\n"],
  Deleted: ["DELETED\r\n"],
  Touched: ["TOUCHED\r\n"],
  Ok: ["OK\r\n"],
  Error: ["ERROR\r\n"],
  ClientError: ["CLIENT_ERROR ", { text: Codec.delimited("\r\n", Codec.text()) }],
  ServerError: ["SERVER_ERROR ", { text: Codec.delimited("\r\n", Codec.text()) }],
  Version: ["VERSION ", { text: Codec.delimited("\r\n", Codec.text()) }],
  Number: ["", { value: decimal, end }]
}).pipe(Codec.named("response"))
