/**
 * Checksums of 32 bits, which find accidents and not attackers. `Framing.checksum` puts one on each frame.
 *
 * ```ts
 * import * as Checksum from "@sluice/framing/Checksum"
 *
 * console.log(Checksum.crc32(new TextEncoder().encode("123456789")).toString(16))
 * // => cbf43926
 * ```
 *
 * @since 0.1.0
 */

/**
 * A checksum, by its usual name.
 *
 * @since 0.1.0
 * @category models
 */
export type ChecksumAlgorithm = "crc32" | "crc32c" | "adler32"

/** Eight tables for the slicing-by-8 algorithm (Kounavis and Berry, 2005): eight bytes at a step. */
const crcTables = (reflectedPolynomial: number): ReadonlyArray<Int32Array> => {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256))
  for (let i = 0; i < 256; i++) {
    let crc = i
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ reflectedPolynomial : crc >>> 1
    tables[0]![i] = crc
  }
  for (let k = 1; k < 8; k++) {
    for (let i = 0; i < 256; i++) {
      const crc = tables[k - 1]![i]!
      tables[k]![i] = (crc >>> 8) ^ tables[0]![crc & 0xff]!
    }
  }
  return tables
}

/** Makes the tables at the first use: they take 8 KiB. */
const crc = (reflectedPolynomial: number): (bytes: Uint8Array) => number => {
  let compute: ((bytes: Uint8Array) => number) | undefined
  return (bytes) => (compute ??= makeCrc(reflectedPolynomial))(bytes)
}

const makeCrc = (reflectedPolynomial: number): (bytes: Uint8Array) => number => {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = crcTables(reflectedPolynomial) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array
  ]
  return (bytes) => {
    let crc = -1
    let i = 0
    for (const end = bytes.length - 7; i < end; i += 8) {
      crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
      crc = t7[crc & 0xff]! ^ t6[(crc >>> 8) & 0xff]! ^ t5[(crc >>> 16) & 0xff]! ^ t4[crc >>> 24]! ^
        t3[bytes[i + 4]!]! ^ t2[bytes[i + 5]!]! ^ t1[bytes[i + 6]!]! ^ t0[bytes[i + 7]!]!
    }
    for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]!) & 0xff]!
    return ~crc >>> 0
  }
}

/** The largest run for which the sums of Adler-32 stay below 2^32, as in zlib. */
const adlerRun = 5552

/**
 * Adler-32, the checksum of zlib (RFC 1950), as an unsigned integer of 32 bits.
 *
 * @category checksums
 * @since 0.1.0
 */
export const adler32 = (bytes: Uint8Array): number => {
  let a = 1
  let b = 0
  for (let i = 0; i < bytes.length;) {
    for (const end = Math.min(i + adlerRun, bytes.length); i < end; i++) {
      a += bytes[i]!
      b += a
    }
    a %= 65521
    b %= 65521
  }
  return b * 65536 + a
}

/**
 * CRC-32 of Ethernet, gzip and PNG (CRC-32/ISO-HDLC, RFC 1952), as an unsigned integer of 32 bits.
 *
 * @category checksums
 * @since 0.1.0
 */
export const crc32: (bytes: Uint8Array) => number = crc(0xedb88320)

/**
 * Castagnoli's CRC-32, of iSCSI, SCTP and ext4 (CRC-32/ISCSI, RFC 3720), as an unsigned integer of 32 bits.
 *
 * @category checksums
 * @since 0.1.0
 */
export const crc32c: (bytes: Uint8Array) => number = crc(0x82f63b78)
