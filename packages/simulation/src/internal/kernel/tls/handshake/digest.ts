const basis = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]

const prime = 0x01000193

/** The length of a digest in bytes: that of SHA-256. */
export const digestLength = 32

/**
 * 32 bytes that stand for others, the same on every machine. Collisions are easy to make: it finds
 * mistakes, and keeps nobody out.
 */
export const digest = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const lanes = Int32Array.from(basis)
  let lane = 0
  for (const part of parts) {
    const { length } = part
    lane = absorb(lanes, lane, length)
    let at = 0
    for (; at + 4 <= length; at += 4) {
      lane = absorb(lanes, lane, part[at]! | part[at + 1]! << 8 | part[at + 2]! << 16 | part[at + 3]! << 24)
    }
    let rest = 0
    for (; at < length; at++) rest = rest << 8 | part[at]!
    lane = absorb(lanes, lane, rest)
  }
  // Every lane has a part in all the others.
  for (let round = 0; round < 4; round++) {
    for (const index of lanes.keys()) {
      const mixed = lanes[index]! ^ lanes[(index + 7) & 7]!
      lanes[index] = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)
    }
  }
  const bytes = new Uint8Array(digestLength)
  for (let index = 0; index < digestLength; index++) bytes[index] = lanes[index >> 2]! >>> (8 * (index & 3))
  return bytes
}

const absorb = (lanes: Int32Array, lane: number, word: number): number => {
  lanes[lane] = mix(lanes[lane]!, word)
  return (lane + 1) & 7
}

const mix = (lane: number, word: number): number => {
  const mixed = Math.imul(lane ^ word, prime)
  return mixed ^ (mixed >>> 15)
}

const encoder = new TextEncoder()

/** The digest of texts, as 64 hexadecimal digits. */
export const digestText = (...texts: ReadonlyArray<string>): string =>
  Array.from(digest(...texts.map((text) => encoder.encode(text))), (byte) => byte.toString(16).padStart(2, "0")).join(
    ""
  )

/** 16 bytes that stand for many: it finds every change of up to four bytes in a row. */
export const checksum = (seed: number, bytes: Uint8Array): Uint8Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const { length } = bytes
  let [a, b, c, d] = basis as [number, number, number, number]
  a ^= seed
  b ^= length
  let at = 0
  // Four independent lanes, in variables: much faster than an array of them.
  for (; at + 16 <= length; at += 16) {
    a = mix(a, view.getInt32(at, true))
    b = mix(b, view.getInt32(at + 4, true))
    c = mix(c, view.getInt32(at + 8, true))
    d = mix(d, view.getInt32(at + 12, true))
  }
  for (; at < length; at++) d = mix(d, bytes[at]!)
  const sum = new Uint8Array(16)
  const lanes = new DataView(sum.buffer)
  for (const [index, lane] of [a, b, c, d].entries()) lanes.setInt32(4 * index, lane)
  return sum
}
