/**
 * The chunked transfer coding of HTTP/1.1 (RFC 9112, 7.1).
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

const trailer = Codec.struct({
  name: Codec.delimited(":", Codec.text("latin1"), { limit: 256 }),
  value: Codec.delimited("\r\n", Codec.text("latin1"), { limit: 8192 })
})

/**
 * A chunk. The last has no data, and may have trailers.
 *
 * @category codecs
 * @since 0.1.0
 */
export const chunk = Codec.struct({
  length: Codec.lengthOf("data", Codec.hex({ max: 2 ** 31 - 1, lenient: true })),
  extension: Codec.delimited("\r\n", Codec.text("latin1"), { limit: 1024 }).pipe(
    Codec.refine((text) => text === "" || /^[;\t ]/.test(text), "a chunk extension begins with a semicolon")
  ),
  data: Codec.bytes(),
  trailers: Codec.repeat(trailer, { until: "\r\n", limit: 100 })
}).pipe(
  Codec.refine(({ data, trailers }) => data.length === 0 || trailers.length === 0, "only the last chunk has trailers"),
  Codec.named("chunk")
)
