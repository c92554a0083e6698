import { adler32, crc32, crc32c } from "@sluice/framing/Checksum"

/** The parameters of a CRC, by the names of the CRC catalog. */
export interface CrcOptions {
  readonly width: 8 | 16 | 32
  readonly polynomial: number
  readonly initial: number
  readonly reflected: boolean
  readonly xorOut: number
}

export type Checksum = (bytes: Uint8Array) => number

const reverse = (value: number, width: number): number => {
  let reversed = 0
  for (let i = 0; i < width; i++) reversed = reversed * 2 + (Math.floor(value / 2 ** i) & 1)
  return reversed
}

/** A CRC by a table of 256 entries. */
export const crc = ({ initial, polynomial, reflected, width, xorOut }: CrcOptions): Checksum => {
  const mask = 2 ** width - 1
  const table = new Uint32Array(256)
  if (reflected) {
    const reversed = reverse(polynomial, width)
    for (let i = 0; i < 256; i++) {
      let value = i
      for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ reversed : value >>> 1
      table[i] = value
    }
    const begin = reverse(initial, width)
    return (bytes) => {
      let value = begin
      for (let i = 0; i < bytes.length; i++) value = (value >>> 8) ^ table[(value ^ bytes[i]!) & 0xff]!
      return ((value ^ xorOut) & mask) >>> 0
    }
  }
  const top = 2 ** (width - 1)
  for (let i = 0; i < 256; i++) {
    let value = (i << (width - 8)) >>> 0
    for (let bit = 0; bit < 8; bit++) value = ((value & top ? (value << 1) ^ polynomial : value << 1) & mask) >>> 0
    table[i] = value
  }
  return (bytes) => {
    let value = initial
    for (let i = 0; i < bytes.length; i++) {
      value = (((value << 8) & mask) ^ table[((value >>> (width - 8)) ^ bytes[i]!) & 0xff]!) >>> 0
    }
    return ((value ^ xorOut) & mask) >>> 0
  }
}

/** Two sums, the second of the first, modulo all ones. */
const sums = (modulus: number, wordSize: 1 | 2, shift: number): Checksum => (bytes) => {
  let a = 0
  let b = 0
  for (let i = 0; i < bytes.length; i += wordSize) {
    a = (a + bytes[i]! + (wordSize === 2 ? (bytes[i + 1] ?? 0) * 256 : 0)) % modulus
    b = (b + a) % modulus
  }
  return b * shift + a
}

/** The checksum of IP, TCP and UDP: the ones' complement of the sum of 16-bit words (RFC 1071). */
const internet: Checksum = (bytes) => {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0)
    if (sum > 0xffff) sum -= 0xffff
  }
  return ~sum & 0xffff
}

const xor: Checksum = (bytes) => {
  let value = 0
  for (let i = 0; i < bytes.length; i++) value ^= bytes[i]!
  return value
}

const sum8: Checksum = (bytes) => {
  let value = 0
  for (let i = 0; i < bytes.length; i++) value = (value + bytes[i]!) & 0xff
  return value
}

const polynomials = {
  "crc8": { width: 8, polynomial: 0x07, initial: 0, reflected: false, xorOut: 0 },
  "crc8-maxim": { width: 8, polynomial: 0x31, initial: 0, reflected: true, xorOut: 0 },
  "crc16-arc": { width: 16, polynomial: 0x8005, initial: 0, reflected: true, xorOut: 0 },
  "crc16-modbus": { width: 16, polynomial: 0x8005, initial: 0xffff, reflected: true, xorOut: 0 },
  "crc16-ccitt-false": { width: 16, polynomial: 0x1021, initial: 0xffff, reflected: false, xorOut: 0 },
  "crc16-xmodem": { width: 16, polynomial: 0x1021, initial: 0, reflected: false, xorOut: 0 },
  "crc16-kermit": { width: 16, polynomial: 0x1021, initial: 0, reflected: true, xorOut: 0 },
  "crc16-x25": { width: 16, polynomial: 0x1021, initial: 0xffff, reflected: true, xorOut: 0xffff }
} as const satisfies Record<string, CrcOptions>

const others = {
  crc32,
  crc32c,
  adler32,
  "fletcher16": sums(255, 1, 256),
  "fletcher32": sums(65535, 2, 65536),
  internet,
  xor,
  sum8
} as const satisfies Record<string, Checksum>

export type ChecksumName = keyof typeof polynomials | keyof typeof others

export const checksumNames = [...Object.keys(polynomials), ...Object.keys(others)]

const made = new Map<ChecksumName, Checksum>()

/** The checksum of this name; its table is made at the first use. */
export const checksumOf = (name: ChecksumName): Checksum | undefined => {
  const known = made.get(name)
  if (known !== undefined) return known
  const checksum = Object.hasOwn(polynomials, name)
    ? crc(polynomials[name as keyof typeof polynomials])
    : Object.hasOwn(others, name)
    ? others[name as keyof typeof others]
    : undefined
  if (checksum !== undefined) made.set(name, checksum)
  return checksum
}
