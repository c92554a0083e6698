/**
 * The frames of WebSocket (RFC 6455, 5.2), after the handshake.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

/** The payload with its bytes mixed with those of the key, which is its own inverse. */
const mask = <A extends { readonly key?: Uint8Array | undefined; readonly payload: Uint8Array }>(frame: A): A => {
  const { key, payload } = frame
  if (key === undefined) return frame
  const mixed = new Uint8Array(payload.length)
  for (let i = 0; i < payload.length; i++) mixed[i] = payload[i]! ^ key[i & 3]!
  return { ...frame, payload: mixed }
}

/**
 * A frame. Those of clients have a `key`, those of servers have none. `payload` is as it was before it was masked.
 *
 * @category codecs
 * @since 0.1.0
 */
export const frame = Codec.struct({
  isFinal: Codec.flag,
  reserved: Codec.bits(3),
  opcode: Codec.enumeration(Codec.bits(4), { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 }),
  hasKey: Codec.presenceOf("key"),
  length: Codec.lengthOf(
    "payload",
    Codec.extended(Codec.bits(7), { 126: Codec.uint16be, 127: Codec.uint(8) })
  ),
  key: Codec.optional(Codec.bytes(4)),
  payload: Codec.bytes()
}).pipe(Codec.map(mask, mask), Codec.named("frame"))
