/**
 * NMEA 0183, the sentences of navigation receivers: `$GPGLL,5300.97914,N,…*6E`.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

/**
 * A sentence, at most 82 bytes long. The first field is the talker and the type, such as `GPGGA`.
 *
 * On a serial line, use `Codec.resync(sentence, { start: "$" })`.
 *
 * @category codecs
 * @since 0.1.0
 */
export const sentence = Codec.struct({
  start: Codec.literal("$"),
  fields: Codec.delimited(
    "*",
    Codec.separated(",", Codec.delimited(",", Codec.text("ascii"), { keep: true })),
    { keep: true }
  ),
  star: Codec.literal("*"),
  checksum: Codec.checksum("xor", Codec.hex({ width: 2, upperCase: true }), { over: "fields" }),
  end: Codec.literal("\r\n")
}).pipe(Codec.limit(82), Codec.named("sentence"))
