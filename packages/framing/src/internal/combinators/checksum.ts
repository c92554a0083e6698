import * as Bytes from "effect/Bytes"
import { dual } from "effect/Function"
import * as Checksum from "../../Checksum.ts"
import type { Framing } from "../../Framing.ts"
import { noFrame } from "../../FramingInput.ts"
import { byteCount } from "../bytes/byteCount.ts"
import { readUint, writeUint } from "../bytes/integer.ts"
import { derive, invalid, isFraming, stateful } from "../define.ts"

const algorithms: Readonly<Record<Checksum.ChecksumAlgorithm, (bytes: Uint8Array) => number>> = {
  crc32: Checksum.crc32,
  crc32c: Checksum.crc32c,
  adler32: Checksum.adler32
}

/**
 * Options of {@link checksum}.
 *
 * @category options
 * @since 0.1.0
 */
export interface ChecksumOptions {
  /** The order of the checksum's bytes; "big" by default. */
  readonly endianness?: "big" | "little" | undefined
}

const trailerSize = 4

/**
 * Ends each frame with a checksum of 4 bytes, and verifies it: `CorruptFrame` if it is wrong or missing.
 *
 * - "crc32": CRC-32 of Ethernet, gzip and PNG (CRC-32/ISO-HDLC, RFC 1952)
 * - "crc32c": Castagnoli's, of iSCSI, SCTP and ext4 (CRC-32/ISCSI, RFC 3720)
 * - "adler32": that of zlib (RFC 1950)
 *
 * The names in capitals are those of the [catalog of CRC algorithms](https://reveng.sourceforge.io/crc-catalogue/). A
 * checksum finds accidents, not attackers.
 *
 * ```ts
 * import * as Framing from "@sluice/framing/Framing"
 *
 * const records = Framing.lengthPrefixed({ prefix: "varint" }).pipe(Framing.checksum("crc32c", { endianness: "little" }))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const checksum: {
  (
    algorithm: Checksum.ChecksumAlgorithm,
    options?: ChecksumOptions
  ): (framing: Framing<Uint8Array>) => Framing<Uint8Array>
  (framing: Framing<Uint8Array>, algorithm: Checksum.ChecksumAlgorithm, options?: ChecksumOptions): Framing<Uint8Array>
} = dual((args) => isFraming(args[0]), (
  framing: Framing<Uint8Array>,
  algorithm: Checksum.ChecksumAlgorithm,
  options: ChecksumOptions = {}
): Framing<Uint8Array> => {
  if (!Object.hasOwn(algorithms, algorithm)) {
    return invalid("checksum", `algorithm is ${JSON.stringify(algorithm)}, which is not known`)
  }
  const compute = algorithms[algorithm]
  const littleEndian = options.endianness === "little"
  return derive([framing], () =>
    stateful<Uint8Array, Uint8Array>(
      () => {
        const decode = framing.makeDecode()
        return (input) => {
          const frame = decode(input)
          if (frame === noFrame) return noFrame
          const length = frame.length - trailerSize
          if (length < 0) return input.corrupt(`it has ${byteCount(frame.length)}, too few for its ${algorithm}`)
          const said = readUint(frame, length, trailerSize, littleEndian)
          const body = frame.subarray(0, length)
          const is = compute(body)
          return said === is ? body : input.corrupt(`its ${algorithm} is ${hex(is)}, but it says ${hex(said)}`)
        }
      },
      (frame, output) => {
        const trailer = new Uint8Array(trailerSize)
        writeUint(trailer, 0, compute(frame), trailerSize, littleEndian)
        return framing.encode(Bytes.concat([frame, trailer]), output)
      }
    ))
})

const hex = (value: number): string => value.toString(16).padStart(8, "0")
