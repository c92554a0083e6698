/**
 * SOCKS5 (RFC 1928) with user name and password (RFC 1929): the messages of each phase of the handshake.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"

const version = Codec.literal(Uint8Array.of(5))

/**
 * Where to connect to.
 *
 * @category codecs
 * @since 0.1.0
 */
export const address = Codec.tagged(Codec.uint8, {
  IpV4: [1, { address: Codec.bytes(4) }],
  Name: [3, { name: Codec.lengthPrefixed(Codec.uint8, Codec.text()) }],
  IpV6: [4, { address: Codec.bytes(16) }]
})

/**
 * The client's first message: the methods of authentication that it offers.
 *
 * @category codecs
 * @since 0.1.0
 */
export const greeting = Codec.struct({
  version,
  count: Codec.countOf("methods", Codec.uint8),
  methods: Codec.repeat(Codec.uint8)
}).pipe(Codec.named("greeting"))

/**
 * The server's choice: 0 is none, 2 is user name and password, 255 is that none will do.
 *
 * @category codecs
 * @since 0.1.0
 */
export const choice = Codec.struct({ version, method: Codec.uint8 }).pipe(Codec.named("choice"))

/**
 * The user name and the password.
 *
 * @category codecs
 * @since 0.1.0
 */
export const credentials = Codec.struct({
  version: Codec.literal(Uint8Array.of(1)),
  userName: Codec.lengthPrefixed(Codec.uint8, Codec.text()),
  password: Codec.lengthPrefixed(Codec.uint8, Codec.text())
}).pipe(Codec.named("credentials"))

/**
 * The server's answer to the credentials (RFC 1929): 0 is success. After any other status, the server closes the connection.
 *
 * @category codecs
 * @since 0.1.0
 */
export const verdict = Codec.struct({
  version: Codec.literal(Uint8Array.of(1)),
  status: Codec.uint8
}).pipe(Codec.named("verdict"))

/**
 * What the client asks for.
 *
 * @category codecs
 * @since 0.1.0
 */
export const request = Codec.struct({
  version,
  command: Codec.enumeration(Codec.uint8, { connect: 1, bind: 2, associate: 3 }),
  gap: Codec.padding(1),
  address,
  port: Codec.uint16be
}).pipe(Codec.named("request"))

/**
 * The server's answer: 0 is success.
 *
 * @category codecs
 * @since 0.1.0
 */
export const reply = Codec.struct({
  version,
  code: Codec.uint8,
  gap: Codec.padding(1),
  address,
  port: Codec.uint16be
}).pipe(Codec.named("reply"))
